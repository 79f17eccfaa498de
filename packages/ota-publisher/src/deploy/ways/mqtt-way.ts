import { printable } from "@tinybms/cli-kit/output";
import { type MqttChannel, type OtaError, secretsOf } from "@tinybms/ota-core";
import type { LoadedArtifact } from "@tinybms/ota-core/node";
import { type BrokerAddress, displayBroker } from "../../mqtt/broker-url.ts";
import type { ConnectionOptions } from "../../mqtt/connect.ts";
import type { DeliveryWatch } from "../../mqtt/deliver-over-mqtt.ts";
import { type MqttPlace, type MqttTarget, mqttTargetOf, withoutReplaced } from "../../mqtt/mqtt-channel.ts";
import { type Exposure, refuseExposure } from "../../network/exposure.ts";
import { type ChannelContext, channelPlace, expandChannels, literalWarnings } from "./channel-checks.ts";
import type { DeliveryJob, Setting } from "./way.ts";

/**
 * How long a broker may be away at the start, in milliseconds. One that goes away later has the whole `--timeout` to
 * come back, but a wrong host should not take ten minutes to be told.
 */
const CONNECT_TIMEOUT_MS = 30_000;

/**
 * Reads the `mqtt` channel of an artifact. Hides its credentials from `context.output`.
 *
 * @throws {@link OtaError} `manifest/…`; `arguments/insecure` if a credential would be told to others.
 */
export async function readMqttChannel(
  artifact: LoadedArtifact,
  mode: MqttPlace["mode"],
  context: ChannelContext,
): Promise<{ readonly channel: MqttTarget; readonly warnings: readonly string[] }> {
  const { options, output } = context;
  const { mqtt } = artifact.channels;
  const settings: MqttChannel | undefined = mqtt && withoutReplaced(mqtt, options.broker);
  const expanded = settings === undefined ? undefined : expandChannels({ mqtt: settings }, context).mqtt;
  const place = { ...channelPlace(artifact, context), brokerOption: options.broker, mode };
  const channel = await mqttTargetOf(expanded, place);
  if (channel.broker?.password !== undefined) output.hide([channel.broker.password]);
  const literal = settings === undefined ? [] : literalWarnings({ mqtt: settings });
  const exposed = refuseExposure(exposureOf(channel, expanded), options.allowInsecure === true);
  const about = [...exposed, ...channel.warnings].map((warning) => `channel mqtt: ${warning}`);
  return { channel, warnings: [...literal, ...about] };
}

/** A broker in this process has nobody in between. */
function exposureOf({ broker, connection }: MqttTarget, settings: MqttChannel | undefined): Exposure {
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

/** Names the broker and the topic, for people. */
export function throughBroker({ broker, topic }: MqttTarget): string {
  return `through ${broker === undefined ? "the embedded broker" : displayBroker(broker)}, topic ${topic}`;
}

/** Names broker and topic, for programs. */
export function brokerPlace({ broker, topic, qos }: MqttTarget): { broker: string; topic: string; qos: number } {
  return { broker: broker === undefined ? "embedded" : displayBroker(broker), topic, qos };
}

/** Says what the publisher proves itself with. */
export function loginSettings({ connection }: MqttTarget): readonly Setting[] {
  const tls = Object.keys(connection.tls ?? {}).join(", ");
  const login = [...(connection.username === undefined ? [] : ["user name"]), ...(tls === "" ? [] : [tls])].join(", ");
  return login === "" ? [] : [["login", login]];
}

/** Introduces the publisher to the channel's broker. */
export function connectionOf(
  { connection }: MqttTarget,
  timeoutMs: number,
): Omit<ConnectionOptions, "signal" | "onRetry" | "onSkipped" | "forBlob"> {
  return { ...connection, connectTimeoutMs: Math.min(CONNECT_TIMEOUT_MS, timeoutMs) };
}

/** Notes what happens to a connection, without repeating itself. */
export function connectionNotices(
  broker: BrokerAddress,
  { onNote }: DeliveryJob["events"],
): Required<Pick<DeliveryWatch, "onRetry" | "onConnection" | "onSkipped">> {
  let hasRetried = false;
  let losses = 0;
  return {
    onRetry: (fault: OtaError) => {
      if (!hasRetried) onNote(`${printable(fault.message)}; trying again`);
      hasRetried = true;
    },
    onConnection: (connected) => {
      if (!connected) losses++;
      // One that comes and goes is told of twice, however often it does.
      if (losses > 2 || (losses === 2 && connected)) return;
      const what = connected ? "is there again" : losses === 1 ? "was lost; trying again" : "is lost again and again";
      onNote(`the connection to ${displayBroker(broker)} ${what}`);
    },
    onSkipped: ({ topic, sizeBytes, sizeMax }) =>
      onNote(`messages on ${printable(topic)} are skipped: ${sizeBytes} bytes, and it may have ${sizeMax}`),
  };
}
