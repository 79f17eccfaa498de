import { printable } from "@tinybms/cli-kit/output";
import { type MqttChannel, type OtaError, secretsOf } from "@tinybms/ota-core";
import type { LoadedArtifact } from "@tinybms/ota-core/node";
import { type BrokerAddress, displayBroker } from "../../mqtt/broker-url.ts";
import { type ClearedHashLists, hashListsText } from "../../mqtt/clear-hash-lists.ts";
import type { ConnectionOptions } from "../../mqtt/connect.ts";
import type { DeliveryWatch } from "../../mqtt/deliver-over-mqtt.ts";
import { type MqttPlace, type MqttTarget, mqttTargetOf, withoutReplaced } from "../../mqtt/mqtt-channel.ts";
import { assertNotExposed, type Exposure } from "../../network/exposure.ts";
import { type ChannelContext, channelPlace, expandChannels, literalWarnings } from "./channel-checks.ts";
import type { DeliveryJob, Setting } from "./way.ts";

/**
 * Time limit for the first connection, in milliseconds. A broker that is lost later has the whole `--timeout` to
 * return, but a wrong host should not take ten minutes to be reported.
 */
const CONNECT_TIMEOUT_MS = 30_000;

/**
 * Reads the `mqtt` channel of an artifact. Hides its credentials from `context.output`.
 *
 * @throws {@link OtaError} `manifest/…`; `arguments/insecure` if a credential would be exposed.
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
  const exposed = assertNotExposed(exposureOf(channel, expanded), options.allowInsecure === true);
  const about = [...exposed, ...channel.warnings].map((warning) => `channel mqtt: ${warning}`);
  return { channel, warnings: [...literal, ...about] };
}

/** Returns what a channel would expose. The connection to a broker in this process exposes nothing. */
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

/** Formats broker and topic for messages. */
export function throughBroker({ broker, topic }: MqttTarget): string {
  return `through ${broker === undefined ? "the embedded broker" : displayBroker(broker)}, topic ${topic}`;
}

/** Returns broker, topic and QoS for JSON documents. */
export function brokerPlace({ broker, topic, qos }: MqttTarget): { broker: string; topic: string; qos: number } {
  return { broker: broker === undefined ? "embedded" : displayBroker(broker), topic, qos };
}

/** Describes the publisher's credentials, without their values. */
export function loginSettings({ connection }: MqttTarget): readonly Setting[] {
  const tls = Object.keys(connection.tls ?? {}).join(", ");
  const login = [...(connection.username === undefined ? [] : ["user name"]), ...(tls === "" ? [] : [tls])].join(", ");
  return login === "" ? [] : [["login", login]];
}

/** Returns the connection options for the channel's broker. */
export function connectionOf(
  { connection }: MqttTarget,
  timeoutMs: number,
): Omit<ConnectionOptions, "signal" | "onRetry" | "onSkipped" | "forBlob"> {
  return { ...connection, connectTimeoutMs: Math.min(CONNECT_TIMEOUT_MS, timeoutMs) };
}

/** Reports, with `--verbose`, what became of hash lists that no offer names. */
export function tellHashLists(result: ClearedHashLists, { onDetail }: DeliveryJob["events"]): void {
  const text = hashListsText(result);
  if (text !== undefined) onDetail(text);
}

/** Creates callbacks that report changes of a connection, each at most twice. */
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
      // Report an unstable connection twice, not each time.
      if (losses > 2 || (losses === 2 && connected)) return;
      const what = connected ? "is restored" : losses === 1 ? "was lost; trying again" : "is lost repeatedly";
      onNote(`the connection to ${displayBroker(broker)} ${what}`);
    },
    onSkipped: ({ topic, sizeBytes, sizeMax }) =>
      onNote(`messages on ${printable(topic)} are skipped: one has ${sizeBytes} bytes, and the limit is ${sizeMax}`),
  };
}
