import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { isOtaError, type MqttChannel, OtaError, toHex, topicsOf } from "@tinybms/ota-core";
import { definedMembers } from "../defined-members.ts";
import { loadTlsFiles, type TlsFiles } from "../tls/tls-files.ts";
import { type BrokerAddress, parseBrokerUrl } from "./broker-url.ts";
import type { ConnectionOptions } from "./connect.ts";

/** Checked settings of an MQTT delivery. `connection` and `broker` contain credentials. */
export interface MqttTarget {
  /** `undefined` for a broker in this process. */
  readonly broker: BrokerAddress | undefined;
  /** Topic of the channel. Blob mode publishes on it, chunked delivery below it. */
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  /** Rate of chunks in bytes per second; 0 means no limit. */
  readonly rate: number;
  readonly connection: Omit<ConnectionOptions, "connectTimeoutMs" | "signal" | "onRetry">;
  /** Warnings to print before anything is sent, as sentences. */
  readonly warnings: readonly string[];
}

/** Artifact and manifest of a channel, and the command's options for it. */
export interface MqttPlace {
  /** Path of the root manifest. */
  readonly manifestFile: string;
  /** Folder of the root manifest, for relative paths of TLS files. */
  readonly folder: string;
  /** Name of the artifact. */
  readonly artifact: string;
  /** Value of `--broker`, which overrides the manifest's broker. */
  readonly brokerOption: string | undefined;
  /** Mode of the delivery. */
  readonly mode: "chunked" | "blob";
}

/** Address of a broker in this process. */
export interface EmbeddedAddress {
  readonly host: string;
  readonly port: number;
}

/** MQTT's standard port, reachable only from this machine. */
const EMBEDDED_DEFAULT: EmbeddedAddress = { host: "127.0.0.1", port: 1883 };

/** Default rate in bytes per second: about the write speed of an ESP32's flash. */
const RATE_DEFAULT = 65_536;

/** A third of MQTT's limit for a topic in bytes, because a character may have three (MQTT 3.1.1 section 1.5.3). */
const BLOB_TOPIC_LENGTH_MAX = 21_845;

/** Members that apply only to the manifest's own broker. */
const FOR_ONE_BROKER: readonly string[] = ["broker", "username", "password", "cert", "key"];

/**
 * Parses `--broker embedded` and `--broker embedded://HOST:PORT`.
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
 * Returns the `mqtt` channel without the members that `--broker` replaces: the credentials are for the manifest's
 * broker.
 */
export function withoutReplaced(settings: MqttChannel, brokerOption: string | undefined): MqttChannel {
  if (brokerOption === undefined) return settings;
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !FOR_ONE_BROKER.includes(name)));
}

/**
 * Checks the `mqtt` channel of an artifact as far as possible without a network: URL, topic and TLS files.
 *
 * @param settings - Channel with expanded variables; `undefined` if the manifest has none.
 * @throws {@link OtaError} `manifest/channel-invalid`, or `arguments/invalid` for an option. No message contains a
 *   secret.
 */
export async function mqttTargetOf(settings: MqttChannel | undefined, place: MqttPlace): Promise<MqttTarget> {
  const { manifestFile, artifact, brokerOption, mode } = place;
  const invalid = (fault: string, cause?: unknown): OtaError<"manifest/channel-invalid"> => {
    const message = `${manifestFile}: channel mqtt of artifact ${artifact}: ${fault}`;
    return new OtaError("manifest/channel-invalid", message, { file: manifestFile, channel: "mqtt" }, { cause });
  };
  if (settings === undefined) throw invalid("there is none; it must have at least a topic");
  const { topic, qos = 1, retain = false, insecure = false, keepalive = 60, rate = RATE_DEFAULT } = settings;
  if (topic === undefined) throw invalid("it has no topic");
  assertTopic(topic, mode, invalid);
  const broker = brokerOf(settings.broker, brokerOption, invalid);
  const isEncrypted = broker?.protocol === "mqtts" || broker?.protocol === "wss";
  const tls = await loadTlsFiles(tlsPathsOf(settings, place.folder, invalid), invalid);
  const { username, password } = settings;
  return {
    ...{ broker, topic, qos, retain, rate },
    connection: {
      clientId: settings.client_id ?? clientIdOf(artifact),
      keepaliveSeconds: keepalive,
      ...{ username, password, insecure, tls },
    },
    warnings: warningsOf({ isEncrypted, tls, mode, retain }, broker),
  };
}

/** Returns an identifier with a random suffix. Brokers such as NATS refuse spaces in it. */
function clientIdOf(artifact: string): string {
  return `ota-${artifact.replaceAll(/[^A-Za-z0-9._-]/g, "-").slice(0, 64)}-${toHex(randomBytes(4))}`;
}

type Invalid = (fault: string, cause?: unknown) => OtaError<"manifest/channel-invalid">;

function assertTopic(topic: string, mode: MqttPlace["mode"], invalid: Invalid): void {
  try {
    topicsOf(topic);
  } catch (error) {
    if (!isOtaError(error)) throw error;
    // Blob mode uses no topics below this one, so it may be longer.
    const isPlain = topic !== "" && topic.length <= BLOB_TOPIC_LENGTH_MAX && !/[+#\p{Cc}]/u.test(topic);
    if (mode === "chunked" || !isPlain) throw invalid(error.message, error);
  }
}

function brokerOf(
  broker: string | undefined,
  brokerOption: string | undefined,
  invalid: Invalid,
): BrokerAddress | undefined {
  if (embeddedAddressOf(brokerOption) !== undefined) return undefined;
  if (brokerOption !== undefined) return parseBrokerUrl(brokerOption);
  if (broker === undefined) throw invalid("it has no broker, and --broker names none");
  try {
    return parseBrokerUrl(broker);
  } catch (error) {
    throw isOtaError(error) ? invalid(error.message, error) : error;
  }
}

function tlsPathsOf(settings: MqttChannel, folder: string, invalid: Invalid): TlsFiles {
  const { ca, cert, key } = settings;
  if ((cert === undefined) !== (key === undefined)) {
    throw invalid(`cert and key go together; ${cert === undefined ? "cert" : "key"} is missing`);
  }
  const pathOf = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : resolve(folder, path);
  return definedMembers({ ca: pathOf(ca), cert: pathOf(cert), key: pathOf(key) });
}

interface Security {
  readonly isEncrypted: boolean;
  readonly tls: TlsFiles;
  readonly mode: MqttPlace["mode"];
  readonly retain: boolean;
}

function warningsOf(security: Security, broker: BrokerAddress | undefined): readonly string[] {
  const { isEncrypted, tls, mode, retain } = security;
  if (broker === undefined) return [];
  const warnings: string[] = [];
  const files = Object.keys(tls).join(", ");
  if (!isEncrypted && files !== "")
    warnings.push(`${files} unused: the broker's URL begins with ${broker.protocol}://`);
  if (retain && mode === "chunked") warnings.push("retain has no effect on chunks: offers are retained, chunks never");
  return warnings;
}
