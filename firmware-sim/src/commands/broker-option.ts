import { type EmbeddedBroker, startEmbeddedBroker } from "@tinybms/ota-broker";
import { OtaError } from "@tinybms/ota-core";

/** A broker to run devices against. */
export interface ChosenBroker {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Its URL without user name and password. */
  readonly display: string;
  /** Ends a broker that was started here. */
  close(): Promise<void>;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "mqtt:": 1883, "mqtts:": 8883, "ws:": 80, "wss:": 443 };

/**
 * The broker that `--broker` means: one that runs somewhere, or `embedded` (`embedded://HOST:PORT`), started here.
 *
 * @throws OtaError `arguments/invalid` for what is neither, `delivery/broker-unreachable` where it can't listen.
 */
export async function openBroker(option: string): Promise<ChosenBroker> {
  if (option === "embedded") return embed("127.0.0.1", DEFAULT_PORTS["mqtt:"] ?? 0);
  const isEmbedded = option.startsWith("embedded:");
  const text = isEmbedded ? option.replace(/^embedded:/, "mqtt:") : option;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const defaultPort = DEFAULT_PORTS[url?.protocol ?? ""];
  if (url === undefined || url.hostname === "" || defaultPort === undefined) {
    const message = "--broker must be mqtt://HOST:PORT, mqtts://, ws://, wss://, embedded or embedded://HOST:PORT";
    throw new OtaError("arguments/invalid", message, { option: "--broker" });
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = url.port === "" ? defaultPort : Number(url.port);
  if (isEmbedded) return embed(host, port);
  return { url: text, host, port, display: `${url.protocol}//${url.hostname}:${port}`, close: async () => undefined };
}

async function embed(host: string, port: number): Promise<ChosenBroker> {
  const broker: EmbeddedBroker = await startEmbeddedBroker({ host, port });
  return { url: broker.url, host, port: broker.port, display: broker.url, close: () => broker.close() };
}
