import { type EmbeddedBroker, startEmbeddedBroker } from "@tinybms/ota-broker";
import { isLoopbackHost, OtaError } from "@tinybms/ota-core";

/** A broker to run devices against. */
export interface ChosenBroker {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Its URL without user name and password. */
  readonly display: string;
  /** What of the URL must not be shown. */
  readonly secrets: readonly string[];
  /** Ends a broker that was started here. */
  close(): Promise<void>;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "mqtt:": 1883, "mqtts:": 8883, "ws:": 80, "wss:": 443 };

/**
 * The broker that `--broker` means: one that runs somewhere, or `embedded` (`embedded://HOST:PORT`), started here.
 *
 * @param allowInsecure - Whether a password may go unencrypted to another machine.
 * @throws OtaError `arguments/invalid` for what is neither, `arguments/insecure` for a password that would,
 *   `delivery/broker-unreachable` where it can't listen.
 */
export async function openBroker(option: string, allowInsecure = false): Promise<ChosenBroker> {
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
  if (!allowInsecure) refuseExposure(url, host);
  const secrets = [url.password, decoded(url.password)].filter((secret) => secret !== "");
  const display = `${url.protocol}//${url.hostname}:${port}`;
  return { url: text, host, port, display, secrets, close: async () => undefined };
}

function refuseExposure({ protocol, password }: URL, host: string): void {
  const isEncrypted = protocol === "mqtts:" || protocol === "wss:";
  if (password === "" || isEncrypted || isLoopbackHost(host)) return;
  const message = `--broker: ${protocol}// sends the password in the clear to ${host}`;
  const hint = `${protocol.replace(":", "s:")}// encrypts it; --allow-insecure does it nevertheless`;
  throw new OtaError("arguments/insecure", message, { channel: "mqtt", host }, { hint });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function embed(host: string, port: number): Promise<ChosenBroker> {
  const broker: EmbeddedBroker = await startEmbeddedBroker({ host, port });
  return { url: broker.url, host, port: broker.port, display: broker.url, secrets: [], close: () => broker.close() };
}
