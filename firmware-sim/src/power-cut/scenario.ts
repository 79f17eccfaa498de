import { OtaError, parseOffer, type SenderOptions, sha256, toHex, topicsOf } from "@tinybms/ota-core";
import { DataSubtype, type PartitionEntry, PartitionType, type SignatureScheme } from "@tinybms/ota-core/esp";
import { parseEnvelope, parseKeySet, readKeySet, verifySignature } from "@tinybms/ota-core/signing";
import { findUpdateTarget } from "../agent/boot-selection-repair.ts";
import type { BootloaderOptions, Hardware } from "../boot/boot-options.ts";
import { verifyRomSignature } from "../boot/verify-rom-signature.ts";
import { appOptionsOf, startsOnProbation } from "../device/app-options.ts";
import { createDevice, createHardware, type FlashContents } from "../device/create-device.ts";
import type { SimulatedDevice } from "../device/device.ts";
import { partitionsOf } from "../device/device-partitions.ts";
import { type AppBuild, type AppOptions, createAppContext } from "../esp-idf/app-context.ts";
import { ContentCache } from "../flash/content-cache.ts";
import { prepareSender } from "../simulation/publish-image.ts";
import { createRememberingVerifier } from "../simulation/remembering-verifier.ts";
import { rejectionsOf } from "./rejections.ts";

/** What is cut: an update to a good image, or one to an image that fails its self-test and has to be rolled back. */
export type SweepRun = "update" | "rollback";

/** A device before its update. Plain data, so that it can go to another thread. */
export interface ScenarioOptions {
  /** The board as it is before the update. Each cut gets a fresh copy. */
  readonly from: FlashContents;
  /** The image that it is updated to. */
  readonly to: Uint8Array;
  /** Version of its release; that of its app descriptor without it. */
  readonly version?: string;
  /** Decides all that is random. */
  readonly seed: number;
  readonly bootloaderOptions?: BootloaderOptions;
  /** How the apps were built, where that differs from the bootloader. */
  readonly appBuild?: AppBuild;
  /**
   * Apps must be signed by this scheme, and are verified as the chip's ROM does it: a name, since the function that
   * `bootloaderOptions.secureBoot` holds can't go to another thread.
   */
  readonly signatureScheme?: SignatureScheme;
  /** Without it the device takes unsigned offers, and gets one. */
  readonly trust?: ScenarioTrust;
}

/** Whom the device trusts, and what it is offered. Envelopes, as they travel. */
export interface ScenarioTrust {
  /** The key set that it is provisioned with. */
  readonly keySet: Uint8Array;
  /** The sets that follow it, published one after the other from its own epoch + 1 on. */
  readonly laterKeySets: readonly Uint8Array[];
  /** An offer of the image to every device of the product, under the last of these sets. */
  readonly offer: Uint8Array;
}

/** A stretch of flash, in bytes. */
export interface Range {
  readonly offset: number;
  readonly size: number;
}

/** One update that is run again and again, and what is known about it beforehand. */
export interface Scenario {
  readonly run: SweepRun;
  readonly seed: number;
  /** Before the first power-on. Never run: take {@link copyOf}. */
  readonly hardware: Hardware;
  readonly image: Uint8Array;
  /** SHA-256 of the image that runs before, and of the one that is delivered: hex. */
  readonly oldSha256: string;
  readonly newSha256: string;
  /** The slot that the image goes to. */
  readonly target: Range & { readonly label: string };
  /** Why the bootloader refuses the target slot at the first start, if otadata selects it then. */
  readonly rejectedBefore: readonly string[];
  readonly otadata: Range;
  readonly nvs: Range;
  readonly sender: SenderOptions;
  /** What the broker retains besides: key sets by their topics. */
  readonly retained: ReadonlyMap<string, Uint8Array>;
  readonly bootloaderOptions: BootloaderOptions;
  /** New images start on the bootloader's probation. Without that only the agent watches them, by its own record. */
  readonly performsRollback: boolean;
  /** A device around hardware, switched off. */
  device(hardware: Hardware, seed: number): SimulatedDevice;
}

const DEVICE = "sweep-1";

/** What the devices of a sweep are. */
export const PRODUCT = "TinyBMS Web Gateway";

/** Where the devices of a sweep hear of offers. */
export const TOPIC_ROOT = "tinybms/gateway/ota";

const NOWHERE: Range = { offset: 0, size: 0 };

/**
 * Prepares a scenario: boots a copy of the board once, to see what runs and where the image will go.
 *
 * @throws OtaError `simulation/update-refused` where nothing boots or no slot is free; `simulation/does-not-fit` and
 *   `image/…` for parts of the board or an image that are none.
 */
export function createScenario(options: ScenarioOptions, run: SweepRun): Scenario {
  const hardware = createHardware(options.from);
  hardware.flash.rememberIn(new ContentCache());
  const { to: image, version, seed, trust, appBuild = {} } = options;
  const bootloaderOptions = completeBootloaderOptions(options);
  const newSha256 = toHex(sha256(image));
  const keySet = trust === undefined ? undefined : readKeySet(trust.keySet, verifySignature);
  const verify = createRememberingVerifier();
  const device = (own: Hardware, deviceSeed: number) =>
    createDevice({
      id: DEVICE,
      topicRoot: TOPIC_ROOT,
      product: PRODUCT,
      hardware: own,
      keySet,
      verify,
      seed: deviceSeed,
      bootloaderOptions,
      appBuild,
      selfTests: run === "rollback" ? [{ sha256: newSha256, outcome: "fail" }] : [],
    });
  const { oldSha256, accepted, target, rejectedBefore } = firstStart(
    device(copyOf(hardware), seed),
    appOptionsOf(bootloaderOptions, appBuild),
  );
  const partitions = partitionsOf(hardware.flash, bootloaderOptions.tableOffset);
  const publication = {
    ...{ image, topicRoot: TOPIC_ROOT, product: PRODUCT, sequence: accepted[1] + 1 },
    ...(version === undefined ? {} : { version }),
  };
  return {
    run,
    seed,
    hardware,
    image,
    oldSha256,
    newSha256,
    target,
    rejectedBefore,
    otadata: findData(partitions, DataSubtype.OTA),
    nvs: findData(partitions, DataSubtype.NVS),
    sender: { ...prepareSender(publication), ...offerOf(trust) },
    retained: retainedKeySets(trust?.laterKeySets ?? []),
    bootloaderOptions,
    performsRollback: startsOnProbation(bootloaderOptions, appBuild),
    device,
  };
}

function offerOf(trust: ScenarioTrust | undefined): Partial<SenderOptions> {
  if (trust === undefined) return {};
  return { offerEnvelope: trust.offer, offerId: parseOffer(parseEnvelope(trust.offer).payload).id };
}

function retainedKeySets(keySets: readonly Uint8Array[]): ReadonlyMap<string, Uint8Array> {
  const { keys } = topicsOf(TOPIC_ROOT);
  return new Map(keySets.map((message) => [keys(parseKeySet(parseEnvelope(message).payload).epoch), message]));
}

function completeBootloaderOptions({ bootloaderOptions = {}, signatureScheme }: ScenarioOptions): BootloaderOptions {
  if (signatureScheme === undefined) return bootloaderOptions;
  return { ...bootloaderOptions, secureBoot: { scheme: signatureScheme, verify: verifyRomSignature } };
}

/** Independent hardware in the same state. */
export function copyOf({ flash, efuse, chip }: Hardware): Hardware {
  return { flash: flash.snapshot(), efuse: efuse.copy(), chip };
}

/** Whether an offset lies in a range. */
export function contains({ offset, size }: Range, at: number): boolean {
  return at >= offset && at < offset + size;
}

function firstStart(
  device: SimulatedDevice,
  appOptions: Partial<AppOptions>,
): Pick<Scenario, "oldSha256" | "target" | "rejectedBefore"> & { readonly accepted: readonly [number, number] } {
  device.boot(0);
  const { bootOutcome, report } = device;
  if (bootOutcome?.kind !== "boots" || report === undefined) {
    const state = bootOutcome?.kind === "reset-loop" ? bootOutcome.reason : "panic";
    throw new OtaError("simulation/update-refused", `the board does not start: ${state}`, { state });
  }
  const target = findUpdateTarget(createAppContext(device.hardware, bootOutcome, appOptions))?.partition;
  if (target === undefined) {
    const message = "the board has no OTA slot beside the one that runs, or no otadata to select it by";
    throw new OtaError("simulation/update-refused", message, { state: "no-slot" });
  }
  const [epoch, sequence] = report.accepted;
  const range = { label: target.label, offset: target.address, size: target.size };
  return {
    oldSha256: report.running_sha256,
    accepted: [epoch, sequence],
    target: range,
    rejectedBefore: rejectionsOf(range, bootOutcome),
  };
}

function findData(partitions: readonly PartitionEntry[], subtype: number): Range {
  return partitions.find((entry) => entry.type === PartitionType.DATA && entry.subtype === subtype) ?? NOWHERE;
}
