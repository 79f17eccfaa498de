import { basename } from "node:path";
import { printable } from "@tinybms/cli-kit/output";
import { type HttpsChannel, secretsOf } from "@tinybms/ota-core";
import type { LoadedArtifact } from "@tinybms/ota-core/node";
import type { HttpsDeliveryPlan } from "../../https/deliver-over-https.ts";
import type { HttpsTarget } from "../../https/https-channel.ts";
import type { ArtifactFile } from "../../image-file.ts";
import { assertNotExposed, type Exposure } from "../../network/exposure.ts";
import { channelPlace, expandChannels, literalWarnings } from "./channel-checks.ts";
import type { DeliveryJob, DeliveryResult, DeployContext, Setting, Way } from "./way.ts";

/** File and plan of an HTTPS delivery. */
interface HttpsWayTarget {
  readonly file: ArtifactFile;
  readonly plan: HttpsDeliveryPlan;
  readonly warnings: readonly string[];
}

/** Delivery over HTTPS as one request. */
export const https: Way<HttpsWayTarget> = {
  name: "https",
  transport: "https",
  canAnswer: false,
  form: "a delivery by https",
  reaches: "goes to the channel's url",
  progress: "bytes",

  async prepare(artifact, context) {
    const { version, timeout } = context.options;
    const { target, warnings } = await readHttpsChannel(artifact, context);
    const file = context.open(artifact);
    const { path, sizeBytes, sha256 } = file;
    const filename = basename(artifact.artifact.filename);
    const plan = { target, image: { path, sizeBytes, sha256, filename, version }, timeoutMs: timeout * 1000 };
    return { file, plan, warnings: [...warnings, ...file.warnings()] };
  },

  describe({ file, plan: { target, timeoutMs }, warnings }) {
    const { method, verify, headers, mode, proxy, display } = target;
    const names = [...headers.keys()].sort().join(", ");
    const settings: Setting[] = [["request", `${method}, ${mode}${verify ? "" : ", certificate not checked"}`]];
    if (proxy !== undefined) settings.push(["proxy", proxy.display]);
    if (names !== "") settings.push(["headers", names]);
    settings.push(["timeout", `${timeoutMs / 1000} s`]);
    const label = mode === "body" ? "https" : `https (${mode})`;
    const place = { target: display, method };
    return { mode, label, file, destination: `to ${display}`, settings, place, warnings };
  },

  deliver,
};

async function deliver({ plan }: HttpsWayTarget, { events, signal }: DeliveryJob): Promise<DeliveryResult> {
  const { deliverOverHttps } = await import("../../https/deliver-over-https.ts");
  const watch = {
    onProgress: (bytes: number) => events.onBytes(bytes),
    onRetry: (fault: Error, delayMs: number) =>
      events.onNote(`${printable(fault.message)}; trying again in ${(delayMs / 1000).toFixed(1)} s`),
  };
  const { bytesSent, notes, version } = await deliverOverHttps(plan, watch, signal);
  const { hostname } = plan.target.url;
  const read = version === undefined ? [] : [`${hostname} read version ${printable(version)} in the image`];
  return { bytesSent, notes: [...notes, ...read] };
}

async function readHttpsChannel(
  artifact: LoadedArtifact,
  context: DeployContext,
): Promise<{ readonly target: HttpsTarget; readonly warnings: readonly string[] }> {
  const { options, output } = context;
  const { httpsChannelOf, assertTlsFiles } = await import("../../https/https-channel.ts");
  const { proxyOf } = await import("../../https/proxy.ts");
  const settings = artifact.channels.https;
  const expanded = settings === undefined ? undefined : expandChannels({ https: settings }, context).https;
  const found = httpsChannelOf(expanded, channelPlace(artifact, context));
  const proxy = proxyOf(found.url, output.world.env);
  const secrets = [...found.secrets, ...(proxy?.secrets ?? [])];
  const written = settings?.url ?? "";
  const target = { ...found, secrets, proxy, display: shownUrl(written, found) };
  const segments = variableSegments(written).map((url) => expandChannels({ https: { url } }, context).https?.url ?? "");
  output.hide([...secrets, ...segments]);
  await assertTlsFiles(target);
  const literal = settings === undefined ? [] : literalWarnings({ https: settings });
  const exposed = assertNotExposed(exposureOf(target, expanded), options.allowInsecure === true);
  const about = [...exposed, ...target.warnings].map((warning) => `channel https: ${warning}`);
  return { target, warnings: [...literal, ...about] };
}

function exposureOf({ url, verify }: HttpsTarget, settings: HttpsChannel | undefined): Exposure {
  return {
    channel: "https",
    scheme: url.protocol.slice(0, -1),
    host: url.hostname,
    isEncrypted: url.protocol === "https:",
    uncheckedBy: verify ? undefined : "verify: false",
    secrets: secretsOf({ https: settings ?? {} }),
  };
}

/** Returns the URL to show. Hides a path with variables, because it may be as secret as a token. */
function shownUrl(written: string, { url, display }: HttpsTarget): string {
  return variableSegments(written).length > 0 ? `${url.origin}/…` : display;
}

/** Returns the segments of the path, as written in the manifest, that contain a variable. */
function variableSegments(written: string): readonly string[] {
  const [, path = ""] = /^[^/]*\/\/[^/]*([^?]*)/.exec(written) ?? ["", written];
  return path.split("/").filter((segment) => segment.includes("$"));
}
