import { OtaError } from "@tinybms/ota-core";

/** Parsed URL of a broker. */
export interface BrokerAddress {
  readonly protocol: "mqtt" | "mqtts" | "ws" | "wss";
  /** Host name or address; an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
  /** Path and query for WebSockets; otherwise empty. */
  readonly path: string;
  /** User name in the URL, decoded. */
  readonly username: string | undefined;
  /** Password in the URL, decoded. */
  readonly password: string | undefined;
}

/** Default ports: IANA's for MQTT, HTTP's for WebSockets. */
const DEFAULT_PORTS: Readonly<Record<BrokerAddress["protocol"], number>> = {
  mqtt: 1883,
  mqtts: 8883,
  ws: 80,
  wss: 443,
};

/**
 * Parses a broker's URL: `mqtt://host:port`, `mqtts://`, `ws://` or `wss://`.
 *
 * @param text - URL, possibly with user information. No message contains that.
 * @throws {@link OtaError} `arguments/invalid`.
 */
export function parseBrokerUrl(text: string): BrokerAddress {
  if (!URL.canParse(text)) throw refuse(`the broker ${JSON.stringify(redactUrl(text))} is not a URL`);
  const url = new URL(text);
  const protocol = Object.keys(DEFAULT_PORTS).find((name) => `${name}:` === url.protocol);
  if (!isProtocol(protocol)) throw refuse(`the broker's URL begins with ${url.protocol}//`);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (host === "") throw refuse("the broker's URL names no host");
  const isWebSocket = protocol === "ws" || protocol === "wss";
  return {
    protocol,
    host,
    port: url.port === "" ? DEFAULT_PORTS[protocol] : Number(url.port),
    path: isWebSocket ? `${url.pathname}${url.search}` : "",
    username: decode(url.username),
    password: decode(url.password),
  };
}

/** Formats a broker's URL without user name and password, for messages. */
export function displayBroker({ protocol, host, port }: BrokerAddress): string {
  return `${protocol}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Removes user information from text that should be a URL, even if it is malformed. */
export function redactUrl(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/+)?.*@/is, (_, scheme: string | undefined) => scheme ?? "");
}

function isProtocol(name: string | undefined): name is BrokerAddress["protocol"] {
  return name !== undefined && Object.hasOwn(DEFAULT_PORTS, name);
}

function decode(text: string): string | undefined {
  if (text === "") return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function refuse(fault: string): OtaError<"arguments/invalid"> {
  const message = `${fault}; it must be mqtt://HOST:PORT, mqtts://, ws:// or wss://`;
  return new OtaError("arguments/invalid", message, { option: "--broker" });
}
