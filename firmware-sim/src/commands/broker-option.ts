import { type EmbeddedBrokerOptions, startEmbeddedBroker } from "@tinybms/ota-broker";
import { isLoopbackHost, OtaError } from "@tinybms/ota-core";
import type { Provisioning } from "@tinybms/ota-core/esp";
import type { NamedBoard } from "./provisioned-boards.ts";

/** The broker that devices connect to. */
export interface ChosenBroker {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** URL without user name and password. */
  readonly display: string;
  /** Texts that output must not show, such as the password. */
  readonly secrets: readonly string[];
  /** Stops the broker if it is an embedded one. */
  close(): Promise<void>;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "mqtt:": 1883, "mqtts:": 8883, "ws:": 80, "wss:": 443 };

/** Options of an embedded broker beside its address. */
type EmbeddedOptions = Pick<EmbeddedBrokerOptions, "onPublished">;

/** Broker options of `run`. */
export interface BrokerOptions {
  /** Value of `--broker`. Not needed if the devices' NVS has the broker. */
  readonly broker?: string;
  /** Allows sending a password unencrypted to another machine. */
  readonly allowInsecure?: boolean;
}

/**
 * Returns the broker that devices connect to: the one in their NVS or the one of `--broker`. Starts an embedded broker,
 * which may also be the one in NVS.
 *
 * @param embedded - Options of an embedded broker.
 * @throws {@link OtaError} `arguments/invalid` for an invalid broker, if there is none, or if NVS and `--broker` differ;
 *   `arguments/insecure` if a password would be sent unencrypted to another machine; `delivery/broker-unreachable` if the
 *   embedded broker can't listen.
 */
export async function openBrokerOf(
  boards: readonly NamedBoard[],
  options: BrokerOptions,
  embedded: EmbeddedOptions = {},
): Promise<ChosenBroker> {
  const { broker: option, allowInsecure = false } = options;
  const provisioned = boards.flatMap(({ id, provisioning }) =>
    provisioning === undefined ? [] : [{ id, provisioning }],
  );
  const named = await Promise.all(
    provisioned.map(({ provisioning }) => provisionedBroker(provisioning, allowInsecure)),
  );
  const [first] = named;
  if (first === undefined) {
    if (option !== undefined) return openBroker(option, allowInsecure, embedded);
    const message = "--broker is required: the devices have no NVS with a broker";
    throw new OtaError("arguments/invalid", message, { option: "--broker" });
  }
  const secrets = named.flatMap((broker) => broker.secrets);
  if (option === undefined) return { ...first, secrets };
  const chosen = await openBroker(option, allowInsecure, embedded);
  const other = named.findIndex(({ display }) => display !== chosen.display);
  if (other < 0) return { ...chosen, secrets: [...chosen.secrets, ...secrets] };
  await chosen.close();
  const message = `--broker is ${chosen.display}, but the NVS of ${provisioned[other]?.id} has ${named[other]?.display}`;
  const hint = "omit --broker";
  throw new OtaError("arguments/invalid", message, { option: "--broker" }, { hint });
}

/** Returns the broker in a device's NVS, with the secrets in its NVS. */
async function provisionedBroker(provisioning: Provisioning, allowInsecure: boolean): Promise<ChosenBroker> {
  const { broker, password, private_key: key } = provisioning;
  const chosen = await openBroker(broker, true);
  if (!allowInsecure && password !== undefined) refuseExposure(new URL(broker).protocol, chosen.host, "NVS");
  return { ...chosen, secrets: [password, key].flatMap((secret) => secret ?? []) };
}

/**
 * Parses the value of `--broker`, and starts the broker for `embedded` and `embedded://HOST:PORT`.
 *
 * @param allowInsecure - Whether a password may be sent unencrypted to another machine.
 * @throws {@link OtaError} as {@link openBrokerOf}.
 */
async function openBroker(
  option: string,
  allowInsecure: boolean,
  embedded: EmbeddedOptions = {},
): Promise<ChosenBroker> {
  if (option === "embedded") return embed("127.0.0.1", DEFAULT_PORTS["mqtt:"] ?? 0, embedded);
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
  if (isEmbedded) return embed(host, port, embedded);
  if (!allowInsecure && url.password !== "") refuseExposure(url.protocol, host, "--broker");
  const secrets = [url.password, decoded(url.password)].filter((secret) => secret !== "");
  const display = `${url.protocol}//${url.hostname}:${port}`;
  return { url: text, host, port, display, secrets, close: async () => undefined };
}

function refuseExposure(protocol: string, host: string, place: string): void {
  const isEncrypted = protocol === "mqtts:" || protocol === "wss:";
  if (isEncrypted || isLoopbackHost(host)) return;
  const message = `${place}: ${protocol}// sends the password unencrypted to ${host}`;
  const hint = `use ${protocol.replace(":", "s:")}// to encrypt it, or --allow-insecure to send it anyway`;
  throw new OtaError("arguments/insecure", message, { channel: "mqtt", host }, { hint });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function embed(host: string, port: number, options: EmbeddedOptions): Promise<ChosenBroker> {
  const broker = await startEmbeddedBroker({ ...options, host, port });
  return { url: broker.url, host, port: broker.port, display: broker.url, secrets: [], close: () => broker.close() };
}
