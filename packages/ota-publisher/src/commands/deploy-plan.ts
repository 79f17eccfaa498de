import { chipById, OtaError } from "@tinybms/ota-core";
import { type LoadedArtifact, loadRootManifest, loadVersion, verifyArtifacts } from "@tinybms/ota-core/node";
import { type ImageFile, openImage } from "../image-file.ts";
import { type DeliveryTarget, TARGET_DEVICES_MAX } from "../offer.ts";
import { sequenceFileOf } from "../sequence.ts";
import { type DeliveryChannel, mqttChannelOf } from "./deploy-channel.ts";
import { type DeployCommandOptions, namedDevices, refuseUnavailable } from "./deploy-options.ts";

/** Everything that a deploy will do, checked as far as it can be without a network. */
export interface DeployPlan {
  readonly version: string;
  readonly product: string;
  readonly target: DeliveryTarget;
  readonly sequenceFile: string;
  /** In the order in which they are delivered. Their images are open: see {@link closePlan}. */
  readonly deliveries: readonly PlannedDelivery[];
  /** What is left out, and why. */
  readonly notes: readonly string[];
}

/** One artifact over one channel. */
export interface PlannedDelivery {
  readonly artifact: string;
  readonly hardware: string;
  readonly createdAt: string;
  readonly channel: DeliveryChannel;
  readonly image: ImageFile;
}

/** The product of a release line that names none; `package` calls its artifacts the same. */
const PRODUCT_DEFAULT = "firmware";

/**
 * Reads manifests and images and decides what is delivered to whom.
 *
 * @throws OtaError `arguments/…`, `manifest/…` or `image/…`: the first fault found. Nothing stays open then.
 */
export async function planDeploy(options: DeployCommandOptions): Promise<DeployPlan> {
  refuseUnavailable(options);
  const target = targetOf(await namedDevices(options));
  const root = await loadRootManifest(options.manifest);
  const loaded = await loadVersion(root, options.version);
  const { chosen, notes } = chooseArtifacts(loaded.artifacts, options);
  const channels = chosen.map((artifact) => mqttChannelOf(artifact, root.file, options.broker));
  await verifyArtifacts({ ...loaded, artifacts: chosen });
  const deliveries: PlannedDelivery[] = [];
  try {
    for (const [index, { artifact, path }] of chosen.entries()) {
      const channel = channels[index];
      if (channel === undefined) continue;
      const image = openImage(path, { file: loaded.file, name: artifact.name });
      deliveries.push({
        artifact: artifact.name,
        // Where the manifest says nothing, it is for what it was built for.
        hardware: root.manifest.product.hardware ?? chipById(image.chipId)?.name ?? "esp32",
        createdAt: loaded.manifest.created_at ?? new Date().toISOString(),
        channel,
        image,
      });
    }
  } catch (error) {
    for (const { image } of deliveries) image.close();
    throw error;
  }
  const product = root.manifest.product.name ?? PRODUCT_DEFAULT;
  return { version: options.version, product, target, sequenceFile: sequenceFileOf(root.folder), deliveries, notes };
}

/** Closes the images of a plan. */
export function closePlan({ deliveries }: DeployPlan): void {
  for (const { image } of deliveries) image.close();
}

function targetOf(devices: readonly string[]): DeliveryTarget {
  if (devices.length === 0) return "all";
  if (devices.length <= TARGET_DEVICES_MAX) return { devices };
  const message = `${devices.length} devices are named; one offer may name at most ${TARGET_DEVICES_MAX}`;
  const hint = "deliver to them in several runs, or to every device of the product";
  throw new OtaError("arguments/invalid", message, { option: "--device" }, { hint });
}

/** The artifacts that go by MQTT: all with `--transport mqtt`, else those whose protocols say so. */
function chooseArtifacts(
  artifacts: readonly LoadedArtifact[],
  { transport, version }: DeployCommandOptions,
): { readonly chosen: readonly LoadedArtifact[]; readonly notes: readonly string[] } {
  if (transport !== undefined) return { chosen: artifacts, notes: [] };
  const chosen = artifacts.filter(({ protocols }) => protocols.includes("mqtt"));
  const notes = artifacts.flatMap(({ artifact, protocols }) =>
    protocols
      .filter((protocol) => protocol !== "mqtt")
      .map((protocol) => `${artifact.name} is not delivered by ${protocol}: only mqtt is available yet`),
  );
  if (chosen.length > 0) return { chosen, notes };
  const message = `no artifact of version ${version} names the protocol mqtt, and no other is available yet`;
  const hint = "--transport mqtt delivers them by mqtt nevertheless";
  throw new OtaError("arguments/invalid", message, { option: "--transport" }, { hint });
}
