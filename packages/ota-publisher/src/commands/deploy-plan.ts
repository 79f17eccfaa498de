import type { CommandOutput } from "@tinybms/cli-kit/output";
import { expandEnvironment, isOtaError, OtaError, secretsOf } from "@tinybms/ota-core";
import {
  type LoadedArtifact,
  type LoadedRoot,
  loadRootManifest,
  loadVersion,
  readReleaseFile,
  releaseFileOf,
} from "@tinybms/ota-core/node";
import { type Envelope, productOf } from "@tinybms/ota-core/signing";
import type { HttpsTarget } from "../https/https-channel.ts";
import { type ArtifactFile, type ImageFile, openArtifact, openImage } from "../image-file.ts";
import { refuseAboveProtocol } from "../mqtt/blob-size.ts";
import { type DeliveryTarget, releasedImageOf, TARGET_DEVICES_MAX } from "../offer.ts";
import { nextCounter, readCounter, sequenceFileOf } from "../sequence.ts";
import { currentKeys, type OfferSigning, openOfferSigning, UNSIGNED } from "../signing/offer-signing.ts";
import type { MqttTarget } from "./deploy-channel.ts";
import { chooseDeliveries } from "./deploy-choice.ts";
import {
  type DeployCommandOptions,
  namedDevices,
  refusePorts,
  refuseUnanswerable,
  refuseUnsignable,
} from "./deploy-options.ts";
import { type ReachedDelivery, reach } from "./deploy-reach.ts";
import { type ReleaseOnDisk, releaseToOffer } from "./deploy-release.ts";

/** Everything that a deploy will do, checked as far as it can be without a network. */
export interface DeployPlan {
  readonly version: string;
  readonly target: DeliveryTarget;
  readonly sequenceFile: string;
  readonly signing: OfferSigning;
  /** In the order in which they are delivered. Their files are open: see {@link closePlan}. */
  readonly deliveries: readonly PlannedDelivery[];
  /** What is left out, and what the user should know before anything is sent. */
  readonly warnings: readonly string[];
}

/** One artifact over one way to the devices. */
export type PlannedDelivery = ChunkedDelivery | BlobDelivery | HttpsDelivery | SerialDelivery;

/** By MQTT, in chunks that devices ask for. */
export interface ChunkedDelivery {
  readonly transport: "mqtt";
  readonly mode: "chunked";
  readonly artifact: string;
  /** What the offer carries: signed if the release line has it so. */
  readonly release: Envelope;
  readonly channel: MqttTarget;
  readonly file: ImageFile;
}

/** By MQTT, as one message that no device answers. */
export interface BlobDelivery {
  readonly transport: "mqtt";
  readonly mode: "blob";
  readonly artifact: string;
  readonly channel: MqttTarget;
  readonly file: ArtifactFile;
}

/** By HTTPS, as one request. */
export interface HttpsDelivery {
  readonly transport: "https";
  readonly mode: "body" | "multipart";
  readonly artifact: string;
  readonly filename: string;
  readonly channel: HttpsTarget;
  readonly file: ArtifactFile;
}

/** By cable, into the next slot of each board. */
export interface SerialDelivery {
  readonly transport: "serial";
  readonly mode: "flash";
  readonly artifact: string;
  readonly ports: readonly string[];
  readonly file: ImageFile;
}

/** A message above this is more than some brokers take unless they are told to, in bytes. */
const BLOB_SIZE_WARNING = 1024 * 1024;

/**
 * Reads manifests, channels and files, and decides what is delivered to whom. Credentials that it meets are hidden from
 * everything that `output` says from then on.
 *
 * @throws {@link OtaError} `arguments/…`, `manifest/…`, `image/…`, `signing/…` or `delivery/blob-too-large`: the first
 *   fault found. Nothing stays open then.
 */
export async function planDeploy(options: DeployCommandOptions, output: CommandOutput): Promise<DeployPlan> {
  const target = targetOf(await namedDevices(options));
  const root = await loadRootManifest(options.manifest);
  const loaded = await loadVersion(root, options.version);
  const { env } = output.world;
  for (const { channels } of loaded.artifacts) {
    output.hide(secretsOf(expandEnvironment(channels, env).channels).map(({ value }) => value));
  }
  const { deliveries: chosen, warnings } = chooseDeliveries(loaded.artifacts, root, options);
  refusePorts(
    options,
    chosen.map(({ transport }) => transport),
  );
  const reached: ReachedDelivery[] = [];
  for (const delivery of chosen) {
    const way = await reach(delivery, root, options, output);
    reached.push(way);
  }
  refuseUnanswerable(
    options,
    reached.map((way) => (way.transport === "mqtt" ? way.channel.mode : way.transport)),
  );
  const signing = await signingOf(options, reached, root, output);
  const sequenceFile = sequenceFileOf(root.folder);
  for (const way of reached)
    if (way.transport === "mqtt" && isChunked(way)) await checkRecord(sequenceFile, way, signing);
  const file = releaseFileOf(loaded.file);
  const opened = openAll(reached, {
    manifestFile: loaded.file,
    version: options.version,
    createdAt: loaded.manifest.created_at ?? new Date().toISOString(),
    signed: { file, found: await readReleaseFile(file) },
    ...{ root, signing, isDryRun: options.dryRun === true },
  });
  return {
    version: options.version,
    target,
    sequenceFile,
    signing,
    deliveries: opened.deliveries,
    warnings: [
      ...new Set([
        ...root.warnings,
        ...loaded.warnings,
        ...warnings,
        ...reached.flatMap((way) => way.warnings),
        ...opened.warnings,
      ]),
    ].map((warning) => output.redact(warning)),
  };
}

/** Closes the files of a plan. */
export function closePlan({ deliveries }: Pick<DeployPlan, "deliveries">): void {
  for (const file of new Set(deliveries.map(({ file }) => file))) file.close();
}

/** Who signs; nobody where nothing is offered. */
async function signingOf(
  options: DeployCommandOptions,
  reached: readonly ReachedDelivery[],
  { folder, manifest }: LoadedRoot,
  output: CommandOutput,
): Promise<OfferSigning> {
  if (reached.some(isChunked)) return openOfferSigning(options, folder, productOf(manifest, 0).product, output);
  refuseUnsignable(options);
  return UNSIGNED;
}

/** Finds out before anything is sent, or in a dry run, that the record of sequences allows no offer. */
async function checkRecord(
  sequenceFile: string,
  { channel }: { readonly channel: MqttTarget },
  signing: OfferSigning,
): Promise<void> {
  nextCounter(await readCounter(sequenceFile, channel.topic), [], currentKeys(signing)?.document.epoch);
}

function isChunked(way: ReachedDelivery): boolean {
  return way.transport === "mqtt" && way.channel.mode === "chunked";
}

/**
 * For whom something is.
 *
 * @throws {@link OtaError} `arguments/invalid` for more devices than an offer can name.
 */
export function targetOf(devices: readonly string[]): DeliveryTarget {
  if (devices.length === 0) return "all";
  if (devices.length <= TARGET_DEVICES_MAX) return { devices };
  const message = `${devices.length} devices are named; one offer may name at most ${TARGET_DEVICES_MAX}`;
  const hint = "deliver to them in several runs, or to every device of the product";
  throw new OtaError("arguments/invalid", message, { option: "--device" }, { hint });
}

interface Release {
  /** The version manifest. */
  readonly manifestFile: string;
  readonly version: string;
  readonly createdAt: string;
  readonly root: LoadedRoot;
  readonly signed: ReleaseOnDisk;
  readonly signing: OfferSigning;
  readonly isDryRun: boolean;
}

/** Opens and measures each artifact's file once, whatever ways it goes. */
function openAll(
  reached: readonly ReachedDelivery[],
  release: Release,
): { readonly deliveries: readonly PlannedDelivery[]; readonly warnings: readonly string[] } {
  const images = new Map<LoadedArtifact, ImageFile>();
  const files = new Map<LoadedArtifact, ArtifactFile>();
  const warnings: string[] = [];
  const deliveries: PlannedDelivery[] = [];
  const imageOf = (artifact: LoadedArtifact): ImageFile => {
    const image = images.get(artifact) ?? openImage(artifact.path, identityOf(artifact, release));
    images.set(artifact, image);
    return image;
  };
  const fileOf = (artifact: LoadedArtifact): ArtifactFile => {
    const known = images.get(artifact) ?? files.get(artifact);
    if (known !== undefined) return known;
    const opened = openArtifact(artifact.path, identityOf(artifact, release));
    warnings.push(...opened.warnings);
    files.set(artifact, opened.file);
    return opened.file;
  };
  try {
    // Images first: they are files too, and measured once.
    const planned = reached.filter((way) => {
      if (!isChunked(way) && way.transport !== "serial") return true;
      const refusal = placeholderFault(() => imageOf(way.artifact), release);
      if (refusal !== undefined)
        warnings.push(`${way.transport}: ${refusal}: without --dry-run this deploy is refused`);
      return refusal === undefined;
    });
    for (const way of planned) {
      const { name, filename } = way.artifact.artifact;
      if (way.transport === "https") {
        const { channel } = way;
        const file = fileOf(way.artifact);
        deliveries.push({ transport: "https", mode: channel.mode, artifact: name, filename, channel, file });
      } else if (way.transport === "serial") {
        const { ports } = way;
        deliveries.push({ transport: "serial", mode: "flash", artifact: name, ports, file: imageOf(way.artifact) });
      } else if (way.channel.mode === "blob") {
        const delivery = blobDelivery(name, way.channel, fileOf(way.artifact));
        warnings.push(...delivery.warnings);
        deliveries.push(delivery.planned);
      } else deliveries.push(chunkedDelivery(name, way.channel, imageOf(way.artifact), release));
    }
    return { deliveries, warnings };
  } catch (error) {
    for (const file of new Set([...images.values(), ...files.values()])) file.close();
    throw error;
  }
}

/** A dry run goes on where a release line ships an example that is no firmware. @returns Why it can't be delivered. */
function placeholderFault(openImageFile: () => unknown, { isDryRun }: Release): string | undefined {
  try {
    openImageFile();
    return undefined;
  } catch (error) {
    if (isDryRun && isOtaError(error, "image/placeholder")) return error.message;
    throw error;
  }
}

function identityOf({ artifact }: LoadedArtifact, { manifestFile, root }: Release): Parameters<typeof openImage>[1] {
  const { name, size, sha256 } = artifact;
  return { file: manifestFile, name, expected: { size, sha256 }, hardware: root.manifest.product.hardware };
}

function chunkedDelivery(
  artifact: string,
  channel: MqttTarget,
  file: ImageFile,
  { root, version, createdAt, signed, signing }: Release,
): ChunkedDelivery {
  const parts = { ...productOf(root.manifest, file.chipId), version, createdAt, image: releasedImageOf(file) };
  const release = releaseToOffer(parts, signed, signing);
  return { transport: "mqtt", mode: "chunked", artifact, release, channel, file };
}

function blobDelivery(
  artifact: string,
  channel: MqttTarget,
  file: ArtifactFile,
): { readonly planned: BlobDelivery; readonly warnings: readonly string[] } {
  refuseAboveProtocol({ ...channel, file });
  const warnings = ["blob mode: the message goes to whoever is subscribed, and no device can answer"];
  if (file.sizeBytes > BLOB_SIZE_WARNING) {
    warnings.push(
      `${file.path} makes a message above 1 MiB, which many brokers refuse; chunked delivery has no such limit`,
    );
  }
  return { planned: { transport: "mqtt", mode: "blob", artifact, channel, file }, warnings };
}
