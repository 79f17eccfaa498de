import { expect, test } from "vitest";
import { releaseOf } from "../../test/bench-offer.ts";
import { buildAppImage } from "../image/build-app-image.ts";
import { CHIPS, type ChipName } from "../image/chips.ts";
import type { OfferDocument } from "../messages/offer.ts";
import type { Release } from "../schemas/types.generated.ts";
import { type DeviceFacts, refuseOffer } from "./offer-check.ts";

const SIX: readonly ChipName[] = ["esp32", "esp32s2", "esp32s3", "esp32c3", "esp32c6", "esp32h2"];
const RELEASE = releaseOf(buildAppImage({ chip: "esp32", version: "1.1.0", sizeBytes: 20_000, seed: 2 }));
const RUNNING = "ab".repeat(32);

function facts(changes: Partial<DeviceFacts> = {}): DeviceFacts {
  return {
    product: RELEASE.product,
    chipId: 0,
    running: { version: "1.0.0", projectName: "app", slot: "ota_0", sha256: RUNNING, pendingVerify: false },
    target: { slot: "ota_1", sizeBytes: 1 << 20, condemned: false },
    secureVersion: 0,
    hasClock: true,
    timeFloor: "2026-02-01T00:00:00Z",
    ...changes,
  };
}

function offer(changes: Partial<OfferDocument> = {}): OfferDocument {
  return {
    offer: 1,
    id: "00".repeat(16),
    topic_root: "bench/ota",
    epoch: 1,
    sequence: 1,
    issued_at: "2026-02-01T00:00:00Z",
    release: null,
    chunk_encodings: ["identity"],
    target: "all",
    ...changes,
  };
}

const withImage = (changes: Partial<Release["image"]>): Release => {
  return { ...RELEASE, image: { ...RELEASE.image, ...changes } };
};

const codeOf = (document: OfferDocument, release: Release, device: DeviceFacts) =>
  refuseOffer(document, release, device)?.code;

test("accepts only the image of its own chip, for six chips and six images", () => {
  for (const device of SIX) {
    for (const image of SIX) {
      const release = releaseOf(buildAppImage({ chip: image, version: "1.1.0", sizeBytes: 20_000, seed: 2 }), {
        hardware: image,
      });
      const chipId = CHIPS.find(({ name }) => name === device)!.id;
      expect(codeOf(offer(), release, facts({ chipId })), `${image} on ${device}`).toBe(
        image === device ? undefined : "offer/wrong-chip",
      );
    }
  }
});

test("lets the chip id decide if the hardware is not the name of a chip", () => {
  const release = { ...RELEASE, hardware: "tinybms-gateway-rev-c" };
  expect(codeOf(offer(), release, facts())).toBeUndefined();
  expect(codeOf(offer(), release, facts({ chipId: 9 }))).toBe("offer/wrong-chip");
  expect(codeOf(offer(), { ...RELEASE, hardware: "esp32s3" }, facts())).toBe("offer/wrong-hardware");
});

test("refuses an image below the eFuse's secure version before any erase, regardless of `waive`", () => {
  const waive = ["chip-id", "project-name", "constraints"] as const;
  for (const [found, required, code] of [
    [2, 3, "offer/secure-version"],
    [3, 3, undefined],
    [4, 3, undefined],
  ] as const) {
    const release = withImage({ secure_version: found });
    expect(codeOf(offer({ waive: [...waive] }), release, facts({ secureVersion: required }))).toBe(code);
  }
});

test("checks `from_images` by the hash of the running image, not by its version", () => {
  const from = (images: string[]) => offer({ constraints: { from_images: images } });
  expect(codeOf(from([RUNNING.slice(0, 32)]), RELEASE, facts())).toBeUndefined();
  expect(codeOf(from(["cd".repeat(16)]), RELEASE, facts())).toBe("offer/constraint");
  const sameVersion = { ...facts().running, sha256: "cd".repeat(32) };
  expect(codeOf(from([RUNNING.slice(0, 32)]), RELEASE, facts({ running: sameVersion }))).toBe("offer/constraint");
  expect(codeOf({ ...from(["cd".repeat(16)]), waive: ["constraints"] }, RELEASE, facts())).toBeUndefined();
});

test.for([
  ["a member that a later protocol may bring", offer({ critical: ["only-at-night"] }), "offer/unsupported"],
  ["an encoding that it lacks", offer({ chunk_encodings: ["deflate"] }), "offer/unsupported"],
  ["members that it honours", offer({ critical: ["target", "constraints"] }), undefined],
] as const)("accepts an offer that requires %s only if this device supports it", ([, document, code]) => {
  expect(codeOf(document, RELEASE, facts())).toBe(code);
});

test.for([
  ["the second before the floor", "2026-01-31T23:59:59Z", "offer/expired"],
  ["fractions of a second before it", "2026-01-31T23:59:59.999Z", "offer/expired"],
  ["the floor itself", "2026-02-01T00:00:00Z", undefined],
  ["fractions of a second after it", "2026-02-01T00:00:00.001Z", undefined],
] as const)("lets the time floor decide whether an offer that expires at %s is valid: %s", ([, expires, code]) => {
  expect(codeOf(offer({ expires_at: expires }), RELEASE, facts())).toBe(code);
  expect(codeOf(offer({ expires_at: expires }), RELEASE, facts({ timeFloor: undefined }))).toBeUndefined();
});

test("refuses an image one byte larger than the slot, and any image without a slot", () => {
  expect(codeOf(offer(), withImage({ size: 1 << 20 }), facts())).toBeUndefined();
  expect(codeOf(offer(), withImage({ size: (1 << 20) + 1 }), facts())).toBe("offer/too-large");
  expect(codeOf(offer(), RELEASE, facts({ target: undefined }))).toBe("offer/no-slot");
});
