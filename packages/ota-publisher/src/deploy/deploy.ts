import type { CommandOutput } from "@tinybms/cli-kit/output";
import { type DeviceProgress, expandEnvironment, isOtaError, type OtaError, secretsOf } from "@tinybms/ota-core";
import {
  type LoadedArtifact,
  loadRootManifest,
  loadVersion,
  readReleaseFile,
  releaseFileOf,
} from "@tinybms/ota-core/node";
import { productOf } from "@tinybms/ota-core/signing";
import type { ShownDevice } from "../console/device-text.ts";
import { definedMembers } from "../defined-members.ts";
import { type OpenArtifact, openArtifact } from "../image-file.ts";
import { type ReleaseIndex, readReleaseIndex } from "../release-index.ts";
import { sequenceFileOf } from "../sequence.ts";
import { type OfferSigning, openKeySets, openOfferSigning } from "../signing/offer-signing.ts";
import { chooseDeliveries } from "./choose-deliveries.ts";
import { artifactDocument, type DeliveryRecord, type DeployResult, plannedRecord } from "./deploy-result.ts";
import { EmbeddedBrokers } from "./embedded-brokers.ts";
import type { DeployOptions } from "./ways/deploy-options.ts";
import { readTarget } from "./ways/named-devices.ts";
import { type DeliveryEvents, type DeliveryResult, type DeployContext, interruptedError } from "./ways/way.ts";
import type { PlannedDelivery } from "./ways.ts";

/** Receives the events of a deploy. */
export interface DeployReporter {
  onWarning(text: string): void;
  /** Called before each delivery. */
  onBegin(planned: PlannedDelivery, index: number, count: number): Promise<DeliveryView>;
  onEnd(record: DeliveryRecord): void;
  /** Called if the deploy is interrupted between two deliveries. */
  onInterrupted(error: OtaError): void;
  /** Called after the last delivery; in a dry run, after planning. */
  onDone(records: readonly DeliveryRecord[]): void;
}

/** Shows the progress of one delivery. */
export interface DeliveryView extends Omit<DeliveryEvents, "onDevice"> {
  /** Called when a device makes progress. */
  onDevice(device: ShownDevice): void;
  /** Called when the delivery has ended, successfully or not. */
  stop(): void;
}

/** Deliveries of a deploy, checked as far as possible without a network. */
interface DeployPlan {
  /** Deliveries in order. */
  readonly deliveries: readonly PlannedDelivery[];
  /** Warnings to print before anything is sent. */
  readonly warnings: readonly string[];
  readonly releases: ReleaseIndex;
  /** Closes the files. */
  close(): void;
}

/**
 * Delivers a release: each artifact in order, by each of its ways in order. A failed delivery does not stop the next
 * one. Hides every credential that it reads from `output`.
 *
 * @returns The result, including failed deliveries.
 * @throws {@link OtaError} `arguments/…`, `manifest/…`, `image/…`, `signing/…` or `delivery/blob-too-large`: the first
 *   fault found before anything is sent.
 */
export async function deploy(
  options: DeployOptions,
  output: CommandOutput,
  reporter: DeployReporter,
): Promise<DeployResult> {
  const plan = await prepareAll(options, output);
  try {
    for (const warning of plan.warnings) reporter.onWarning(warning);
    const { version, dryRun = false } = options;
    const { records, error } = dryRun
      ? { records: plan.deliveries.map(plannedRecord) }
      : await deliverAll(plan, options, output, reporter);
    reporter.onDone(records);
    const { warnings } = plan;
    const deliveries = records.map(artifactDocument);
    return { version, dryRun, deliveries, warnings, ...definedMembers({ error }) };
  } finally {
    plan.close();
  }
}

/** Reads manifests, channels and files, and plans the deliveries. Closes all files if it throws. */
async function prepareAll(options: DeployOptions, output: CommandOutput): Promise<DeployPlan> {
  const root = await loadRootManifest(options.manifest);
  const target = await readTarget(options, root.folder);
  const loaded = await loadVersion(root, options.version);
  const { env } = output.world;
  for (const { channels } of loaded.artifacts) {
    output.hide(secretsOf(expandEnvironment(channels, env).channels).map(({ value }) => value));
  }
  const { deliveries: chosen, warnings } = chooseDeliveries(loaded.artifacts, root, options, env);
  const releaseFile = releaseFileOf(loaded.file);
  const files = new Map<LoadedArtifact, OpenArtifact>();
  let signing: Promise<OfferSigning> | undefined;
  const openSigning = options.join === true ? openKeySets : openOfferSigning;
  const context: DeployContext = {
    ...{ root, options, output, target, sequenceFile: sequenceFileOf(root.folder) },
    createdAt: loaded.manifest.created_at ?? new Date().toISOString(),
    signedRelease: { file: releaseFile, found: await readReleaseFile(releaseFile) },
    open: (artifact) => {
      const { name, size, sha256 } = artifact.artifact;
      const { hardware } = root.manifest.product;
      const identity = { file: loaded.file, name, expected: { size, sha256 }, hardware };
      const file = files.get(artifact) ?? openArtifact(artifact.path, identity);
      files.set(artifact, file);
      return file;
    },
    signing: () => (signing ??= openSigning(options, root.folder, productOf(root.manifest, 0).product, output)),
  };
  const close = (): void => {
    for (const file of files.values()) file.close();
  };
  try {
    const deliveries: PlannedDelivery[] = [];
    const refusals: string[] = [];
    for (const { artifact, way } of chosen) {
      try {
        deliveries.push(await way.prepare(artifact, context));
      } catch (error) {
        // A dry run continues, so that a release line with an example file instead of firmware can be tried.
        if (options.dryRun !== true || !isOtaError(error, "image/placeholder")) throw error;
        refusals.push(`${way.transport}: ${error.message}: without --dry-run, deploy refuses this file`);
      }
    }
    const ofWays = deliveries.flatMap(({ description }) => description.warnings);
    const all = [...root.warnings, ...loaded.warnings, ...warnings, ...ofWays, ...refusals];
    const releases = await readReleaseIndex(root);
    return { deliveries, warnings: [...new Set(all)].map((warning) => output.redact(warning)), releases, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Runs every delivery until it is interrupted. */
async function deliverAll(
  { deliveries, releases }: DeployPlan,
  options: DeployOptions,
  output: CommandOutput,
  reporter: DeployReporter,
): Promise<{ readonly records: readonly DeliveryRecord[]; readonly error?: OtaError | undefined }> {
  const records = deliveries.map(plannedRecord);
  const { signal } = output.world;
  const brokers = new EmbeddedBrokers(options.broker);
  let firstError: OtaError | undefined;
  try {
    for (const [index, planned] of deliveries.entries()) {
      if (signal.aborted) break;
      const view = await reporter.onBegin(planned, index, deliveries.length);
      const record = await deliver(planned, view, brokers, releases, output).finally(() => view.stop());
      records[index] = record;
      reporter.onEnd(record);
      firstError ??= record.error;
    }
  } finally {
    await brokers.close();
  }
  if (!signal.aborted) return { records, error: firstError };
  const told = records.map(({ error }) => error).find((error) => isOtaError(error, "delivery/interrupted"));
  if (told !== undefined) return { records, error: told };
  const error = interruptedError();
  reporter.onInterrupted(error);
  return { records, error };
}

/** Runs one delivery. Throws only errors that are not an {@link OtaError}; the record contains the others. */
async function deliver(
  planned: PlannedDelivery,
  events: DeliveryView,
  brokers: EmbeddedBrokers,
  releases: ReleaseIndex,
  output: CommandOutput,
): Promise<DeliveryRecord> {
  const startedAt = performance.now();
  const { signal } = output.world;
  const shown = (device: DeviceProgress): ShownDevice =>
    device.runningSha256 === undefined ? device : { ...device, releases: releases.get(device.runningSha256) ?? [] };
  const seen = new Map<string, ShownDevice>();
  const onDevice: DeliveryEvents["onDevice"] = (device) => {
    seen.set(device.device, shown(device));
    events.onDevice(shown(device));
  };
  const recordOf = ({ isOnlyOffered = false, ...result }: Partial<DeliveryResult>): DeliveryRecord => ({
    ...plannedRecord(planned),
    ...result,
    devices: byName(result.devices?.map(shown) ?? [...seen.values()]),
    outcome: result.error !== undefined ? "failed" : isOnlyOffered ? "offered" : "delivered",
    durationMs: performance.now() - startedAt,
  });
  try {
    const embeddedBroker = () => brokers.start((text) => events.onNote(text));
    const told = { onDevice, onBytes: events.onBytes, onNote: events.onNote, onDetail: events.onDetail };
    return recordOf(await planned.deliver({ signal, events: told, embeddedBroker }));
  } catch (thrown) {
    const error = signal.aborted ? interruptedError() : output.clean(thrown);
    if (!isOtaError(error)) throw error;
    return recordOf({ error });
  }
}

/** Sorts devices in numeric order: bench-2 before bench-10. */
function byName<T extends { readonly device: string }>(devices: readonly T[]): readonly T[] {
  return devices.toSorted((left, right) => left.device.localeCompare(right.device, "en", { numeric: true }));
}
