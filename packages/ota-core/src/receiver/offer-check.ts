import { OtaError } from "../errors.ts";
import { chipsOfHardware } from "../image/chips.ts";
import type { OfferDocument } from "../messages/offer.ts";
import type { Release } from "../schemas/types.generated.ts";
import { isEarlier } from "../signing/time-floor.ts";
import { needsClock } from "./install-gate.ts";
import type { RunningImage, TargetSlot } from "./receiver-events.ts";

/** Properties of a device that an offer is compared with. */
export interface DeviceFacts {
  readonly product: string;
  readonly chipId: number;
  readonly running: RunningImage;
  readonly target: TargetSlot | undefined;
  /** The lowest secure version that the eFuse lets boot. */
  readonly secureVersion: number;
  /** The device knows the time, or took the offer while it did. */
  readonly hasClock: boolean;
  /** A time that has certainly passed: the later of the device's clock and its floor. */
  readonly timeFloor: string | undefined;
}

/** Members and features of an offer that this receiver honours, as `critical` may name them. */
const HONOURED: ReadonlySet<string> = new Set([
  "target",
  "constraints",
  "from_images",
  "waive",
  "expires_at",
  "spread_ms",
  "probation_ms",
  "probation_max_ms",
  "restart_spread_ms",
  "install_after",
  "between",
  "identity",
]);

/**
 * Returns why a device can't take an offer that is meant for it, as far as it can know before the first erase.
 *
 * Checks run from what concerns every device of the product to what concerns this one. `waive` gets past a check
 * that receivers have wrong in the field; nothing waives size, secure version or the order of offers.
 *
 * @returns The first reason, or `undefined` if the device can take the offer.
 */
export function refuseOffer(offer: OfferDocument, release: Release, facts: DeviceFacts): OtaError | undefined {
  const waived: readonly string[] = offer.waive ?? [];
  return (
    refuseUnsupported(offer) ??
    refuseWithoutClock(offer, facts.hasClock) ??
    refuseExpired(offer, facts.timeFloor) ??
    refuseProduct(release, facts.product) ??
    (waived.includes("chip-id") ? undefined : refuseChip(release, facts.chipId)) ??
    refuseSecureVersion(release, facts.secureVersion) ??
    (waived.includes("constraints") ? undefined : refuseConstraints(offer, facts.running)) ??
    refuseSlot(release, facts)
  );
}

/** Returns the first feature that the offer demands and this receiver lacks. */
function refuseUnsupported(offer: OfferDocument): OtaError | undefined {
  const feature = offer.critical?.find((name) => !HONOURED.has(name));
  if (feature !== undefined) {
    return new OtaError("offer/unsupported", `the offer demands ${JSON.stringify(feature)}, which this device lacks`, {
      feature,
    });
  }
  if (offer.chunk_encodings.includes("identity")) return undefined;
  const encodings = offer.chunk_encodings.join(", ");
  const message = `chunks come only as ${encodings}; this device takes identity`;
  return new OtaError("offer/unsupported", message, { feature: encodings });
}

function refuseWithoutClock(offer: OfferDocument, hasClock: boolean): OtaError | undefined {
  if (hasClock || !needsClock(offer)) return undefined;
  const message = "the offer insists on a time to install, and this device does not know the time";
  return new OtaError("offer/unsupported", message, { feature: "clock" });
}

function refuseExpired(offer: OfferDocument, timeFloor: string | undefined): OtaError | undefined {
  const { expires_at: expiresAt } = offer;
  if (expiresAt === undefined || timeFloor === undefined || !isEarlier(expiresAt, timeFloor)) return undefined;
  return new OtaError("offer/expired", `the offer expired at ${expiresAt}, before ${timeFloor}, which is past`, {
    expiresAt,
  });
}

function refuseProduct(release: Release, product: string): OtaError | undefined {
  if (release.product === product) return undefined;
  const message = `the release is for ${JSON.stringify(release.product)}; this device is ${JSON.stringify(product)}`;
  return new OtaError("offer/wrong-product", message, { expected: product, found: release.product });
}

function refuseChip(release: Release, chipId: number): OtaError | undefined {
  if (release.image.chip_id !== chipId) {
    const message = `the image is for chip id ${release.image.chip_id}; this device has ${chipId}`;
    return new OtaError("offer/wrong-chip", message, { expected: chipId, found: release.image.chip_id });
  }
  const chips = chipsOfHardware(release.hardware);
  if (chips === undefined || chips.some((chip) => chip.id === chipId)) return undefined;
  const message = `the release is for hardware ${JSON.stringify(release.hardware)}; this device has chip id ${chipId}`;
  return new OtaError("offer/wrong-hardware", message, { expected: `chip id ${chipId}`, found: release.hardware });
}

function refuseSecureVersion(release: Release, required: number): OtaError | undefined {
  const found = release.image.secure_version;
  if (found >= required) return undefined;
  const message = `secure version ${found} is below ${required}, which this device's eFuse demands`;
  return new OtaError("offer/secure-version", message, { required, found });
}

/** Passes over `min_battery_percent`: it is for devices that have a battery. */
function refuseConstraints(offer: OfferDocument, running: RunningImage): OtaError | undefined {
  const images = offer.constraints?.from_images;
  if (images === undefined || images.some((image) => running.sha256.startsWith(image))) return undefined;
  const message = `the offer is for devices that run one of ${images.length} other images`;
  return new OtaError("offer/constraint", message, { constraint: "from_images" });
}

function refuseSlot(release: Release, { running, target }: DeviceFacts): OtaError | undefined {
  if (release.image.sha256 === running.sha256) return undefined; // nothing will be written
  if (target === undefined) {
    return new OtaError("offer/no-slot", "the partition table has no OTA slot besides the running one", {});
  }
  const { size } = release.image;
  if (size <= target.sizeBytes) return undefined;
  const message = `the image is ${size} bytes; ${target.slot} holds ${target.sizeBytes}`;
  return new OtaError("offer/too-large", message, { size, limit: target.sizeBytes });
}
