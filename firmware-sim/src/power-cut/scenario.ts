import { OtaError, parseOffer, type SenderOptions, sha256, toHex, topicsOf } from "@tinybms/ota-core";
import { DataSubtype, findPartition, PartitionType, type SignatureScheme } from "@tinybms/ota-core/esp";
import { parseEnvelope, parseKeySet, readKeySet, verifySignature } from "@tinybms/ota-core/signing";
import type { AgentImplementation } from "../agent/agent-receiver.ts";
import { findUpdateTarget } from "../agent/boot-selection-repair.ts";
import { type BootloaderOptions, copyHardware, type Hardware } from "../boot/boot-options.ts";
import { verifyRomSignature } from "../boot/verify-rom-signature.ts";
import { appOptionsOf, startsOnProbation } from "../device/app-options.ts";
import { createDevice, createHardware, type FlashContents } from "../device/create-device.ts";
import type { SimulatedDevice } from "../device/device.ts";
import { partitionsOf } from "../device/device-partitions.ts";
import { type AppBuild, type AppOptionsInput, createAppContext } from "../esp-idf/app-context.ts";
import { ContentCache } from "../flash/content-cache.ts";
import { type ImagePublisherOptions, prepareSender } from "../simulation/publish-image.ts";
import { createRememberingVerifier } from "../simulation/remembering-verifier.ts";
import type { LifeRecorder } from "./life-recorder.ts";
import { rejectionsOf } from "./rejections.ts";

/** Kind of update: to a good image, or to an image that fails its self-test and has to be rolled back. */
export type SweepRun = "update" | "rollback";

/** Description of a device before its update, as plain data that can be sent to another thread. */
export interface ScenarioOptions {
  /** The board before the update. Each cut gets a fresh copy. */
  readonly from: FlashContents;
  /** The new image. */
  readonly to: Uint8Array;
  /** Version of the release; by default that of the image's app descriptor. */
  readonly version?: string | undefined;
  /** Decides everything random. */
  readonly seed: number;
  readonly bootloaderOptions?: BootloaderOptions | undefined;
  /** Build options of the apps that differ from the bootloader's. */
  readonly appBuild?: AppBuild | undefined;
  /**
   * Scheme by which apps must be signed, verified as the chip's ROM does. A name, since the function in
   * `bootloaderOptions.secureBoot` can't be sent to another thread.
   */
  readonly signatureScheme?: SignatureScheme | undefined;
  /**
   * Implementation of the device's receiver. A function can't be sent to another thread.
   *
   * @defaultValue `ts`
   */
  readonly agent?: AgentImplementation | undefined;
  /** Key set and offer; without it the device accepts unsigned offers and gets one. */
  readonly trust?: ScenarioTrust | undefined;
}

/** Keys that the device trusts, and the offer it gets, as signed envelopes. */
export interface ScenarioTrust {
  /** The key set that the device is provisioned with. */
  readonly keySet: Uint8Array;
  /** Its successors, published in order, from the next epoch on. */
  readonly laterKeySets: readonly Uint8Array[];
  /** An offer of the image to all devices of the product, signed under the last key set. */
  readonly offer: Uint8Array;
}

/** A range of flash, in bytes. */
export interface FlashArea {
  readonly offset: number;
  readonly size: number;
}

/** An update that is run repeatedly, and what is known about it. */
export interface Scenario {
  readonly run: SweepRun;
  readonly seed: number;
  /** The board before the first power-on. Never run it: use `copyHardware`. */
  readonly hardware: Hardware;
  readonly image: Uint8Array;
  /** SHA-256 of the old image and of the new one, in hex. */
  readonly oldSha256: string;
  readonly newSha256: string;
  /** The slot that the image is written to. */
  readonly target: FlashArea & { readonly label: string };
  /** Reasons why the bootloader rejects the target slot before the update, if otadata selects it. */
  readonly rejectedBefore: readonly string[];
  readonly otadata: FlashArea;
  readonly nvs: FlashArea;
  readonly sender: ImagePublisherOptions;
  /** Key sets that the broker retains, by topic. */
  readonly retained: ReadonlyMap<string, Uint8Array>;
  readonly bootloaderOptions: BootloaderOptions;
  /** Whether new images start on the bootloader's probation. Otherwise only the agent's own record protects them. */
  readonly performsRollback: boolean;
  /** Records the lives of the device, if somebody wants to look at them. */
  readonly recorder?: LifeRecorder | undefined;
  /** Creates a device, switched off, around hardware. */
  device(hardware: Hardware, seed: number): SimulatedDevice;
}

const DEVICE = "sweep-1";

/** Product of the simulated devices. */
export const PRODUCT = "TinyBMS Web Gateway";

/** Topic root of the simulated devices. */
export const TOPIC_ROOT = "tinybms/gateway/ota";

const NOWHERE: FlashArea = { offset: 0, size: 0 };

/**
 * Prepares a scenario. Boots a copy of the board once to find out what runs and where the image will go.
 *
 * @throws {@link OtaError} `simulation/update-refused` if nothing boots or no slot is free; `simulation/does-not-fit` and
 *   `image/…` for invalid parts of the board or an invalid image.
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
      agent: options.agent,
      selfTests: run === "rollback" ? [{ sha256: newSha256, outcome: "fail" }] : [],
    });
  const { oldSha256, accepted, target, rejectedBefore } = firstStart(
    device(copyHardware(hardware), seed),
    appOptionsOf(bootloaderOptions, appBuild),
  );
  const table = { entries: partitionsOf(hardware.flash, bootloaderOptions.tableOffset) };
  const publication = { image, topicRoot: TOPIC_ROOT, product: PRODUCT, sequence: accepted[1] + 1, version };
  return {
    run,
    seed,
    hardware,
    image,
    oldSha256,
    newSha256,
    target,
    rejectedBefore,
    otadata: findPartition(table, PartitionType.DATA, DataSubtype.OTA) ?? NOWHERE,
    nvs: findPartition(table, PartitionType.DATA, DataSubtype.NVS) ?? NOWHERE,
    sender: { ...prepareSender(publication), ...offerOf(trust) },
    retained: retainedKeySets(trust?.laterKeySets ?? []),
    bootloaderOptions,
    performsRollback: startsOnProbation(bootloaderOptions, appBuild),
    device,
  };
}

function offerOf(trust: ScenarioTrust | undefined): Partial<Pick<SenderOptions, "offerEnvelope" | "offerId">> {
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

/** Returns whether an offset lies in a range. */
export function contains({ offset, size }: FlashArea, at: number): boolean {
  return at >= offset && at < offset + size;
}

function firstStart(
  device: SimulatedDevice,
  appOptions: AppOptionsInput,
): Pick<Scenario, "oldSha256" | "target" | "rejectedBefore"> & { readonly accepted: readonly [number, number] } {
  device.boot(0);
  const { bootOutcome, report } = device;
  device.halt();
  if (bootOutcome?.kind !== "boots" || report === undefined) {
    const state = bootOutcome?.kind === "reset-loop" ? bootOutcome.reason : "panic";
    throw new OtaError("simulation/update-refused", `the board does not start: ${state}`, { state });
  }
  const target = findUpdateTarget(createAppContext(device.hardware, bootOutcome, appOptions))?.partition;
  if (target === undefined) {
    const message = "the board has no OTA slot other than the running one, or no otadata to select it by";
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
