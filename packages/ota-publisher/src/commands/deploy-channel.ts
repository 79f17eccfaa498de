import { isOtaError, type MqttChannel, OtaError, topicsOf } from "@tinybms/ota-core";
import type { LoadedArtifact } from "@tinybms/ota-core/node";
import { type BrokerAddress, parseBrokerUrl } from "../mqtt/broker-url.ts";

/** The `mqtt` channel of an artifact, checked as far as a delivery needs it. */
export interface DeliveryChannel {
  readonly settings: MqttChannel;
  /** `undefined`: a broker in this process. */
  readonly broker: BrokerAddress | undefined;
  readonly topicRoot: string;
}

/** Where a broker in this process listens. */
export interface EmbeddedAddress {
  readonly host: string;
  readonly port: number;
}

/** MQTT's own port, on this machine only. */
const EMBEDDED_DEFAULT: EmbeddedAddress = { host: "127.0.0.1", port: 1883 };

/**
 * Where `--broker embedded` or `--broker embedded://HOST:PORT` wants the broker.
 *
 * @returns `undefined` for any other broker.
 * @throws {@link OtaError} `arguments/invalid`.
 */
export function embeddedAddressOf(broker: string | undefined): EmbeddedAddress | undefined {
  if (broker === "embedded") return EMBEDDED_DEFAULT;
  if (broker?.startsWith("embedded:") !== true) return undefined;
  const text = broker.replace(/^embedded:/, "tcp:");
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.hostname === "" || url.username !== "" || !["", "/"].includes(url.pathname)) {
    const message = "--broker: an embedded broker is embedded, or embedded://HOST:PORT";
    throw new OtaError("arguments/invalid", message, { option: "--broker" });
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return { host, port: url.port === "" ? EMBEDDED_DEFAULT.port : Number(url.port) };
}

/**
 * The channel over which an artifact goes by MQTT.
 *
 * @param manifestFile - The root manifest, for messages.
 * @param brokerOption - `--broker`, which stands above the manifest's.
 * @throws {@link OtaError} `manifest/channel-invalid`, or `arguments/invalid` for the option.
 */
export function mqttChannelOf(
  { artifact, channels }: LoadedArtifact,
  manifestFile: string,
  brokerOption: string | undefined,
): DeliveryChannel {
  const invalid = (fault: string, cause?: unknown): OtaError<"manifest/channel-invalid"> => {
    const message = `${manifestFile}: channel mqtt of artifact ${artifact.name}: ${fault}`;
    return new OtaError("manifest/channel-invalid", message, { file: manifestFile, channel: "mqtt" }, { cause });
  };
  const within = <T>(step: () => T): T => {
    try {
      return step();
    } catch (error) {
      throw isOtaError(error) ? invalid(error.message, error) : error;
    }
  };
  const settings = channels.mqtt;
  if (settings === undefined) throw invalid("there is none; it must have at least a topic");
  const { topic, broker, mode } = settings;
  if (topic === undefined) throw invalid("it has no topic");
  within(() => topicsOf(topic));
  if (mode === "blob") throw invalid("mode blob is not available yet; chunked is");
  if (embeddedAddressOf(brokerOption) !== undefined) return { settings, broker: undefined, topicRoot: topic };
  if (brokerOption !== undefined) return { settings, broker: parseBrokerUrl(brokerOption), topicRoot: topic };
  if (broker === undefined) throw invalid("it has no broker, and --broker names none");
  return { settings, broker: within(() => parseBrokerUrl(broker)), topicRoot: topic };
}
