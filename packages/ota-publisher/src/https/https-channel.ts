import { resolve } from "node:path";
import { type HttpsChannel, OtaError } from "@tinybms/ota-core";
import { definedMembers } from "../defined-members.ts";
import { loadTlsFiles } from "../tls/tls-files.ts";
import { isPrivateHost } from "./private-host.ts";
import type { HttpProxy } from "./proxy.ts";

/** Artifact and manifest of a channel, for messages and relative paths. */
export interface ChannelPlace {
  /** Path of the root manifest. */
  readonly manifestFile: string;
  /** Name of the artifact. */
  readonly artifact: string;
  /** Folder of the root manifest, for relative paths of TLS files. */
  readonly folder: string;
}

/** Members of the channel that say which certificates to use, besides those that the schema names. */
interface HttpsSettings extends Omit<HttpsChannel, "ca" | "cert" | "key" | "mode"> {
  readonly ca?: unknown;
  readonly cert?: unknown;
  readonly key?: unknown;
  readonly mode?: unknown;
}

/** Checked settings of an HTTPS delivery. `headers` and the query of `url` contain secrets. */
export interface HttpsTarget {
  /** URL without user information and fragment. */
  readonly url: URL;
  /** URL for messages: without user information, query and fragment. */
  readonly display: string;
  /** HTTP method in capitals. */
  readonly method: string;
  /** Headers by lower-case name, including the `authorization` from the URL's user information. */
  readonly headers: ReadonlyMap<string, string>;
  /** Texts that must never be shown: values of headers and of the query, user name, password. */
  readonly secrets: readonly string[];
  /** Longest stall before an attempt fails, in milliseconds. */
  readonly timeoutMs: number;
  /** `true` if the server's certificate is checked. */
  readonly verify: boolean;
  /** Absolute path of the trusted CA certificates (PEM). Without it, Node's are trusted. */
  readonly ca?: string;
  /** Absolute path of the client certificate and its chain (PEM). Never without `key`. */
  readonly cert?: string;
  /** Absolute path of the private key of `cert` (PEM). */
  readonly key?: string;
  /** `body`: the image is the body. `multipart`: it is the field `firmware` of a form, for the TinyBMS gateway. */
  readonly mode: "body" | "multipart";
  /** Proxy, if any. */
  readonly proxy?: HttpProxy | undefined;
  /** Warnings to print before anything is sent, as sentences. */
  readonly warnings: readonly string[];
  readonly where: ChannelPlace;
}

/** Headers that the delivery sets itself, or that would change how the request is framed (RFC 9112). */
const RESERVED_HEADERS: readonly string[] = [
  ...["connection", "content-length", "expect", "keep-alive", "proxy-connection", "te", "trailer"],
  ...["transfer-encoding", "upgrade"],
];

/** Methods whose request has no body, or which open a tunnel (RFC 9110 section 9.3). */
const BODILESS_METHODS: readonly string[] = ["CONNECT", "GET", "HEAD", "TRACE"];

/** Longest delay of a timer, in milliseconds. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Default of `timeout`, in milliseconds. */
const TIMEOUT_MS_DEFAULT = 30_000;

/**
 * Checks the `https` channel of an artifact, whose environment variables are already expanded.
 *
 * @param settings - `undefined` if the manifest has no such channel.
 * @param where - Artifact and manifest, for messages and relative paths.
 * @throws {@link OtaError} `manifest/channel-invalid`. The message contains no value that may be secret.
 */
export function httpsChannelOf(settings: HttpsChannel | undefined, where: ChannelPlace): HttpsTarget {
  if (settings === undefined) throw channelInvalid("there is none; it must have at least a url", where);
  const channel: HttpsSettings = settings;
  const mode = modeOf(channel.mode, where);
  const given = urlOf(channel.url, where);
  const url = withoutLogin(given);
  const headers = headersOf(channel.headers, where);
  const login = loginOf(given);
  const isLoginUsed = login !== undefined && !headers.has("authorization");
  const secrets = [...secretsIn(headers), ...url.searchParams.values(), ...(login?.secrets ?? [])];
  if (isLoginUsed) headers.set("authorization", login.authorization);
  const verify = channel.verify ?? true;
  if (typeof verify !== "boolean") throw channelInvalid("verify must be true or false", where);
  return {
    url,
    display: `${url.origin}${url.pathname}`,
    method: methodOf(channel.method, mode, where),
    headers,
    secrets: secrets.filter((secret) => secret !== ""),
    timeoutMs: timeoutOf(channel.timeout, where),
    verify,
    ...tlsPathsOf(channel, where),
    mode,
    warnings: [
      ...transportWarnings(url, channel),
      ...(login !== undefined && !isLoginUsed
        ? ["headers hold an Authorization, so the user name in url is unused"]
        : []),
      ...(mode === "multipart" && headers.has("content-type") ? ["mode multipart sets its own Content-Type"] : []),
    ],
    where,
  };
}

/**
 * Checks that the TLS files exist, can be parsed and match each other.
 *
 * @throws {@link OtaError} `manifest/channel-invalid`.
 */
export async function assertTlsFiles(target: HttpsTarget): Promise<void> {
  await loadTlsFiles(target, (fault, cause) => channelInvalid(fault, target.where, cause));
}

/** Creates the error for a channel. `fault` must not contain a value that may be secret. */
export function channelInvalid(
  fault: string,
  { manifestFile, artifact }: ChannelPlace,
  cause?: unknown,
): OtaError<"manifest/channel-invalid"> {
  const message = `${manifestFile}: channel https of artifact ${artifact}: ${fault}`;
  return new OtaError("manifest/channel-invalid", message, { file: manifestFile, channel: "https" }, { cause });
}

function modeOf(mode: unknown, where: ChannelPlace): HttpsTarget["mode"] {
  if (mode === undefined) return "body";
  if (mode === "body" || mode === "multipart") return mode;
  throw channelInvalid("mode must be body or multipart", where);
}

function urlOf(text: unknown, where: ChannelPlace): URL {
  const wanted = "it must be https://HOST/PATH, or http:// in a local network";
  if (text === undefined) throw channelInvalid(`it has no url; ${wanted}`, where);
  if (typeof text !== "string" || !URL.canParse(text)) throw channelInvalid(`url is not a URL; ${wanted}`, where);
  const url = new URL(text);
  if (url.protocol === "https:" || url.protocol === "http:") return url;
  throw channelInvalid(`url does not begin with https://; ${wanted}`, where);
}

function withoutLogin(given: URL): URL {
  const url = new URL(given);
  url.username = "";
  url.password = "";
  url.hash = "";
  return url;
}

function methodOf(method: unknown, mode: HttpsTarget["mode"], where: ChannelPlace): string {
  if (method === undefined) return mode === "multipart" ? "POST" : "PUT";
  const name = typeof method === "string" ? method.toUpperCase() : "";
  if (/^[A-Z]{1,20}$/.test(name) && !BODILESS_METHODS.includes(name)) return name;
  throw channelInvalid("method must be one that sends a body, such as PUT or POST", where);
}

/** Checks names and values against RFC 9110 section 5, so that no value can end its header. */
function headersOf(headers: unknown, where: ChannelPlace): Map<string, string> {
  const checked = new Map<string, string>();
  if (headers === undefined) return checked;
  if (typeof headers !== "object" || headers === null) throw channelInvalid("headers must be an object", where);
  for (const [name, value] of Object.entries(headers)) {
    const key = name.toLowerCase();
    if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(key)) {
      throw channelInvalid("headers: a name has other characters than letters, digits and hyphens", where);
    }
    if (RESERVED_HEADERS.includes(key)) throw channelInvalid(`headers: ${name} is set by the delivery itself`, where);
    if (checked.has(key)) throw channelInvalid(`headers: ${name} occurs twice`, where);
    if (typeof value !== "string" || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      throw channelInvalid(`headers: the value of ${name} must be text of one line`, where);
    }
    checked.set(key, value.trim());
  }
  return checked;
}

/** Returns the header values that may be secret. Excludes descriptive headers and values of one or two characters. */
function secretsIn(headers: ReadonlyMap<string, string>): string[] {
  return [...headers]
    .filter(([name, value]) => !/^(?:accept|content|user-agent)/.test(name) && value.length > 2)
    .map(([, value]) => value);
}

/** Creates Basic authorization (RFC 7617, in UTF-8) from a URL's user information. */
function loginOf({
  username,
  password,
}: URL): { readonly authorization: string; readonly secrets: string[] } | undefined {
  if (username === "" && password === "") return undefined;
  const credentials = Buffer.from(`${decode(username)}:${decode(password)}`).toString("base64");
  const secrets = [decode(username), username, decode(password), password, credentials];
  return { authorization: `Basic ${credentials}`, secrets };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function timeoutOf(seconds: unknown, where: ChannelPlace): number {
  if (seconds === undefined) return TIMEOUT_MS_DEFAULT;
  if (typeof seconds !== "number" || !(seconds > 0)) throw channelInvalid("timeout must be above 0 seconds", where);
  return Math.min(TIMER_MS_MAX, Math.ceil(seconds * 1000));
}

function tlsPathsOf(channel: HttpsSettings, where: ChannelPlace): Pick<HttpsTarget, "ca" | "cert" | "key"> {
  const pathOf = (name: "ca" | "cert" | "key"): string | undefined => {
    const path = channel[name];
    if (path === undefined) return undefined;
    if (typeof path === "string" && path !== "" && !path.includes("\0")) return resolve(where.folder, path);
    throw channelInvalid(`${name} must be the path of a PEM file`, where);
  };
  const [ca, cert, key] = [pathOf("ca"), pathOf("cert"), pathOf("key")];
  if ((cert === undefined) !== (key === undefined)) {
    throw channelInvalid(`cert and key go together; ${cert === undefined ? "cert" : "key"} is missing`, where);
  }
  return definedMembers({ ca, cert, key });
}

function transportWarnings(url: URL, channel: HttpsSettings): string[] {
  if (url.protocol === "https:") return [];
  return [
    ...(isPrivateHost(url.hostname) ? [] : [`http:// sends the image unencrypted to ${url.hostname}; use https://`]),
    ...(channel.ca === undefined && channel.cert === undefined
      ? []
      : ["ca, cert and key are unused: url begins with http://"]),
  ];
}
