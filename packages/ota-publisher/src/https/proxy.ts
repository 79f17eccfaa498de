import { BlockList, isIP, isIPv4 } from "node:net";
import { OtaError } from "@tinybms/ota-core";

/** Proxy of a delivery. */
export interface HttpProxy {
  /** URL with its user information. */
  readonly url: URL;
  /** Origin, for messages. */
  readonly display: string;
  /** Value of `Proxy-Authorization`, if its URL names a user. */
  readonly authorization: string | undefined;
  /** Texts that must never be shown. */
  readonly secrets: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Returns the proxy that the environment names for a URL: `HTTPS_PROXY` or `HTTP_PROXY` by its scheme, unless
 * `NO_PROXY` names its host. Lower-case names take precedence, as in curl and undici.
 *
 * @throws {@link OtaError} `arguments/invalid`. The message contains no credential.
 * @see https://curl.se/docs/manpage.html#ENVIRONMENT
 */
export function proxyOf({ protocol, hostname, port }: URL, env: Environment): HttpProxy | undefined {
  const variable = protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const text = textOf(env, variable);
  if (text === "") return undefined;
  const host = hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
  if (isExempt(host, port || (protocol === "https:" ? "443" : "80"), textOf(env, "NO_PROXY"))) return undefined;
  const full = text.includes("://") ? text : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol) || url.hostname === "") {
    const message = `${variable} must be http://HOST:PORT or https://HOST:PORT`;
    throw new OtaError("arguments/invalid", message, { option: variable }, { hint: "NO_PROXY=* turns the proxy off" });
  }
  const [user, password] = [decode(url.username), decode(url.password)];
  const credentials = Buffer.from(`${user}:${password}`).toString("base64");
  const hasLogin = url.username !== "" || url.password !== "";
  return {
    url,
    display: url.origin,
    authorization: hasLogin ? `Basic ${credentials}` : undefined,
    secrets: hasLogin
      ? [user, url.username, password, url.password, credentials].filter((secret) => secret !== "")
      : [],
  };
}

function textOf(env: Environment, name: string): string {
  return (env[name.toLowerCase()] ?? env[name] ?? "").trim();
}

/**
 * Returns `true` if `NO_PROXY` lists a host: by name, by a parent domain, by address, or by a network in CIDR notation.
 */
function isExempt(host: string, port: string, list: string): boolean {
  return list.split(/[\s,]+/).some((entry) => {
    if (entry === "") return false;
    if (entry === "*") return true;
    if (entry.includes("/")) return isInNetwork(host, entry);
    const [, name = "", entryPort] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? [];
    if (entryPort !== undefined && entryPort !== port) return false;
    const wanted = name
      .replace(/^\*?\./, "")
      .replace(/\.$/, "")
      .toLowerCase();
    return wanted !== "" && (host === wanted || (isIP(host) === 0 && host.endsWith(`.${wanted}`)));
  });
}

function isInNetwork(host: string, network: string): boolean {
  const [address = "", prefix = ""] = network.split("/", 2);
  const bits = Number(prefix);
  if (isIP(host) === 0 || isIP(host) !== isIP(address) || !/^\d+$/.test(prefix) || bits > (isIPv4(host) ? 32 : 128)) {
    return false;
  }
  const family = isIPv4(host) ? "ipv4" : "ipv6";
  const block = new BlockList();
  block.addSubnet(address, bits, family);
  return block.check(host, family);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
