import { type EmbeddedBroker, startEmbeddedBroker } from "@tinybms/ota-broker";
import { isLoopbackHost, OtaError } from "@tinybms/ota-core";
import type { Provisioning } from "@tinybms/ota-core/esp";
import type { NamedBoard } from "./provisioned-boards.ts";

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

/** Options of `run` that are about the broker. */
export interface BrokerOptions {
  /** Not needed where NVS names it. */
  readonly broker?: string;
  /** Send a password unencrypted to another machine. */
  readonly allowInsecure?: boolean;
}

/**
 * The broker that devices are run against: the one that their NVS names, else the one of `--broker`, which may be that one
 * too, started here.
 *
 * @throws OtaError `arguments/invalid` for what is no broker, where neither names one, or where they name different ones;
 *   `arguments/insecure` for a password that would go unencrypted to another machine; `delivery/broker-unreachable` for
 *   one that can't listen here.
 */
export async function openBrokerOf(boards: readonly NamedBoard[], options: BrokerOptions): Promise<ChosenBroker> {
  const { broker: option, allowInsecure = false } = options;
  const told = boards.flatMap(({ id, provisioning }) => (provisioning === undefined ? [] : [{ id, provisioning }]));
  const named = await Promise.all(told.map(({ provisioning }) => toldBroker(provisioning, allowInsecure)));
  const [first] = named;
  if (first === undefined) {
    if (option !== undefined) return openBroker(option, allowInsecure);
    const message = "--broker must say where the broker is: no NVS does";
    throw new OtaError("arguments/invalid", message, { option: "--broker" });
  }
  const secrets = named.flatMap((broker) => broker.secrets);
  if (option === undefined) return { ...first, secrets };
  const chosen = await openBroker(option, allowInsecure);
  const other = named.findIndex(({ display }) => display !== chosen.display);
  if (other < 0) return { ...chosen, secrets: [...chosen.secrets, ...secrets] };
  await chosen.close();
  const message = `--broker is ${chosen.display}, and the NVS of ${told[other]?.id} says ${named[other]?.display}; leave it away`;
  throw new OtaError("arguments/invalid", message, { option: "--broker" });
}

/** The broker that a device was told, with what its NVS holds that must not be shown. */
async function toldBroker(provisioning: Provisioning, allowInsecure: boolean): Promise<ChosenBroker> {
  const { broker, password, private_key: key } = provisioning;
  const chosen = await openBroker(broker, true);
  if (!allowInsecure && password !== undefined) refuseExposure(new URL(broker).protocol, chosen.host, "NVS");
  return { ...chosen, secrets: [password, key].flatMap((secret) => secret ?? []) };
}

/**
 * The broker that `--broker` means: one that runs somewhere, or `embedded` (`embedded://HOST:PORT`), started here.
 *
 * @param allowInsecure - Whether a password may go unencrypted to another machine.
 * @throws OtaError `arguments/invalid` for what is neither, `arguments/insecure` for a password that would,
 *   `delivery/broker-unreachable` where it can't listen.
 */
async function openBroker(option: string, allowInsecure = false): Promise<ChosenBroker> {
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
  if (!allowInsecure && url.password !== "") refuseExposure(url.protocol, host, "--broker");
  const secrets = [url.password, decoded(url.password)].filter((secret) => secret !== "");
  const display = `${url.protocol}//${url.hostname}:${port}`;
  return { url: text, host, port, display, secrets, close: async () => undefined };
}

function refuseExposure(protocol: string, host: string, place: string): void {
  const isEncrypted = protocol === "mqtts:" || protocol === "wss:";
  if (isEncrypted || isLoopbackHost(host)) return;
  const message = `${place}: ${protocol}// sends the password in the clear to ${host}`;
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
