import type { CommandOutput } from "@tinybms/cli-kit/output";
import {
  type Channels,
  channelsFromEnvironment,
  type HttpsChannel,
  type MqttChannel,
  secretsOf,
  usedChannels,
} from "@tinybms/ota-core";
import type { LoadedArtifact, LoadedRoot } from "@tinybms/ota-core/node";
import type { HttpsTarget } from "../https/https-channel.ts";
import { type MqttTarget, mqttTargetOf, withoutReplaced } from "./deploy-channel.ts";
import type { ChosenDelivery } from "./deploy-choice.ts";
import { type Exposure, refuseExposure } from "./deploy-exposure.ts";
import type { DeployCommandOptions } from "./deploy-options.ts";
import { portsOf } from "./flash-options.ts";

/** A delivery whose channel was read. */
export type ReachedDelivery = { readonly artifact: LoadedArtifact; readonly warnings: readonly string[] } & (
  | { readonly transport: "mqtt"; readonly channel: MqttTarget }
  | { readonly transport: "https"; readonly channel: HttpsTarget }
  | { readonly transport: "serial"; readonly ports: readonly string[] }
);

/**
 * Reads the channel of a delivery. Credentials that it meets are hidden from everything that `output` says from then on.
 *
 * @throws {@link OtaError} `manifest/…`; `arguments/insecure` where a credential would be told to others.
 */
export async function reach(
  { artifact, transport }: ChosenDelivery,
  { file, folder }: LoadedRoot,
  options: DeployCommandOptions,
  output: CommandOutput,
): Promise<ReachedDelivery> {
  const { broker: brokerOption, mode: modeOption } = options;
  const where = { manifestFile: file, folder, artifact: artifact.artifact.name };
  if (transport === "serial") return { artifact, transport, ports: await boardPorts(options), warnings: [] };
  const about = (warning: string): string => `channel ${transport}: ${warning}`;
  const expand = (channels: Channels): Channels =>
    channelsFromEnvironment(usedChannels(channels), output.world.env, file);
  if (transport === "mqtt") {
    const settings: MqttChannel | undefined =
      artifact.channels.mqtt && withoutReplaced(artifact.channels.mqtt, brokerOption);
    const expanded = settings === undefined ? undefined : expand({ mqtt: settings }).mqtt;
    const channel = await mqttTargetOf(expanded, { ...where, brokerOption, modeOption });
    if (channel.broker?.password !== undefined) output.hide([channel.broker.password]);
    const literal = settings === undefined ? [] : literalWarnings({ mqtt: settings });
    const exposed = refuseExposure(mqttExposure(channel, expanded), options.allowInsecure === true);
    return { artifact, transport, channel, warnings: [...literal, ...[...exposed, ...channel.warnings].map(about)] };
  }
  const { httpsChannelOf, checkHttpsTarget } = await import("../https/https-channel.ts");
  const settings = artifact.channels.https;
  const expanded = settings === undefined ? undefined : expand({ https: settings }).https;
  const found = httpsChannelOf(expanded, where);
  const { proxyOf } = await import("../https/proxy.ts");
  const proxy = proxyOf(found.url, output.world.env);
  const secrets = [...found.secrets, ...(proxy?.secrets ?? [])];
  const channel = { ...found, secrets, proxy, display: shownUrl(settings?.url ?? "", found) };
  const segments = variableSegments(settings?.url ?? "").map((url) => expand({ https: { url } }).https?.url ?? "");
  output.hide([...channel.secrets, ...segments]);
  await checkHttpsTarget(channel);
  const literal = settings === undefined ? [] : literalWarnings({ https: settings });
  const exposed = refuseExposure(httpsExposure(channel, expanded), options.allowInsecure === true);
  return { artifact, transport, channel, warnings: [...literal, ...[...exposed, ...channel.warnings].map(about)] };
}

/** Boards at a cable have no channel: they are named, or found. */
async function boardPorts(options: DeployCommandOptions): Promise<readonly string[]> {
  const { loadSerial } = await import("../serial/load-serial.ts");
  return portsOf(await loadSerial(), options);
}

/** A broker in this process has nobody in between. */
function mqttExposure({ broker, connection }: MqttTarget, settings: MqttChannel | undefined): Exposure {
  const { protocol = "mqtt", host = "localhost" } = broker ?? {};
  const inUrl = broker?.password === undefined ? [] : [{ kind: "the password of its URL" }];
  return {
    channel: "mqtt",
    scheme: protocol,
    host,
    isEncrypted: protocol === "mqtts" || protocol === "wss",
    uncheckedBy: connection.insecure === true ? "insecure: true" : undefined,
    secrets: [...inUrl, ...secretsOf({ mqtt: settings ?? {} })],
  };
}

function httpsExposure({ url, verify }: HttpsTarget, settings: HttpsChannel | undefined): Exposure {
  return {
    channel: "https",
    scheme: url.protocol.slice(0, -1),
    host: url.hostname,
    isEncrypted: url.protocol === "https:",
    uncheckedBy: verify ? undefined : "verify: false",
    secrets: secretsOf({ https: settings ?? {} }),
  };
}

/** A path that comes from the environment may be as secret as a token. */
function shownUrl(written: string, { url, display }: HttpsTarget): string {
  return variableSegments(written).length > 0 ? `${url.origin}/…` : display;
}

/** The parts of a URL's path, as the manifest has it, that hold a variable. */
function variableSegments(written: string): readonly string[] {
  const [, path = ""] = /^[^/]*\/\/[^/]*([^?]*)/.exec(written) ?? ["", written];
  return path.split("/").filter((segment) => segment.includes("$"));
}

function literalWarnings(channels: Channels): string[] {
  return secretsOf(channels)
    .filter(({ isLiteral }) => isLiteral)
    .map(({ pointer, kind }) => {
      const place = pointer.slice(1);
      return `channel ${place} holds ${kind}, for everybody who reads the manifest; $NAME takes it from the environment`;
    });
}
