import { STATUS_CODES } from "node:http";
import { isOtaError, OtaError } from "@tinybms/ota-core";
import { errors } from "undici";
import { socketFaultOf } from "../network/socket-fault.ts";
import { type TlsSettings, tlsFaultOf } from "../network/tls-fault.ts";
import { ExchangeError, type HttpAnswer, ProxyError } from "./http-connection.ts";
import { retryAfterMs } from "./retry-wait.ts";
import { explanationIn, type ServerText } from "./server-text.ts";

/** Why an attempt failed, and whether the same attempt can succeed later. */
export interface HttpFault {
  readonly error: OtaError;
  readonly transient: boolean;
  /** How long the server wants to be left alone, in milliseconds. */
  readonly retryAfterMs?: number;
}

/** The server that a fault is about. */
export interface Server {
  readonly url: URL;
  /** The URL as it may be shown. */
  readonly display: string;
  readonly text: ServerText;
}

/** Host and port, as details of an error name them. */
export function addressOf({ protocol, hostname, port }: URL): { readonly host: string; readonly port: number } {
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  return { host, port: port === "" ? (protocol === "https:" ? 443 : 80) : Number(port) };
}

/** What it means that a request got no answer. */
export function exchangeFault(cause: unknown, server: Server): HttpFault {
  if (!(cause instanceof ExchangeError)) throw cause;
  const { phase, stalledMs, cause: inner } = cause;
  // The body's own: the file changed, or can't be read.
  if (isOtaError(inner)) return { error: inner, transient: false };
  if (stalledMs !== undefined) return { error: stallError(server, phase, stalledMs, inner), transient: true };
  if (inner instanceof ProxyError) return proxyFault(inner, server);
  const code = codeOf(inner);
  if (inner instanceof errors.HTTPParserError || inner instanceof errors.HeadersOverflowError) {
    const message = `${server.url.origin} does not answer in HTTP/1.1, or with headers beyond any use`;
    const isTls = server.url.protocol === "https:";
    const hint = `is the port right${isTls ? "" : ", and does it speak https://"}?`;
    // No cause: it holds what the server sent, and that may repeat a secret.
    const error = new OtaError("delivery/answer-invalid", message, addressOf(server.url), { hint });
    return { error, transient: false };
  }
  const tls = tlsError(code, server, inner);
  if (tls !== undefined) return { error: tls, transient: false };
  if (phase === "connect") return { error: unreachableError(code, server, inner), transient: code !== "ENOTFOUND" };
  const when = phase === "send" ? "while the image was sent" : "before it answered";
  const message = `${server.url.origin} closed the connection ${when}`;
  const certificate = server.url.protocol === "https:" ? ", or want another client certificate (`cert` and `key`)" : "";
  const hint = `the server's log may say why: it may limit the size of a request${certificate}`;
  const options = { cause: inner, hint };
  return { error: new OtaError("delivery/connection-lost", message, addressOf(server.url), options), transient: true };
}

/** What it means that the proxy gave no way to the server. */
function proxyFault({ proxy, status, cause }: ProxyError, { url }: Server): HttpFault {
  const through = `${url.origin} can't be reached through the proxy ${proxy}`;
  if (status === undefined) {
    const { reason, hint } = socketFaultOf(codeOf(cause), "the proxy's URL") ?? { reason: "it failed", hint: "" };
    const advice = `${hint}${hint === "" ? "" : " "}HTTPS_PROXY and HTTP_PROXY name it; NO_PROXY lists hosts to reach without`;
    const message = `${through}: ${reason}`;
    const options = { cause, hint: advice };
    return { error: new OtaError("delivery/server-unreachable", message, addressOf(url), options), transient: true };
  }
  const hint =
    status === 407
      ? "the proxy wants a user name and password: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"
      : "the proxy opens no tunnel there: check its rules, or list the host in NO_PROXY";
  const message = `${through}: it answered ${`${status} ${STATUS_CODES[status] ?? ""}`.trim()}`;
  const error = new OtaError("delivery/server-unreachable", message, addressOf(url), { hint });
  return { error, transient: status >= 500 };
}

/**
 * What an answer means that is neither success nor a redirect that is followed: 429 and 5xx may pass, others do not
 * (RFC 9110 section 15, RFC 6585 section 4).
 *
 * @param epochMs - Milliseconds since 1970 now, for a `Retry-After` that is a date.
 */
export function statusFault(answer: HttpAnswer, server: Server, epochMs: number): HttpFault {
  const { status } = answer;
  const contentType = answer.headers.get("content-type") ?? "";
  const said = server.text.show(explanationIn(Buffer.from(answer.body).toString("utf8"), contentType));
  const name = `${status} ${STATUS_CODES[status] ?? ""}`.trim();
  const message = `${server.display} answered ${name}${said === "" || said === name ? "" : `: ${said}`}`;
  const details = { ...addressOf(server.url), status };
  const hint = hintOf(status, said);
  const options = hint === undefined ? {} : { hint };
  if (status !== 429 && status < 500) {
    return { error: new OtaError("delivery/server-refused", message, details, options), transient: false };
  }
  return {
    error: new OtaError("delivery/server-failed", message, details, options),
    transient: true,
    ...retryAfterOf(answer, epochMs),
  };
}

/** How long the server that gave an answer wants to be left alone, where that is for it to say: 429 and 503. */
export function retryAfterOf({ status, headers }: HttpAnswer, epochMs: number): Pick<HttpFault, "retryAfterMs"> {
  const asked = status === 429 || status === 503 ? retryAfterMs(headers.get("retry-after"), epochMs) : undefined;
  return asked === undefined ? {} : { retryAfterMs: asked };
}

function hintOf(status: number, said: string): string | undefined {
  if (status === 400 && /certificate/i.test(said)) return "the server wants a client certificate: set cert and key";
  return HINTS[status];
}

const CREDENTIALS = "set the user name and password in url, or an Authorization in headers, best from the environment";

const HINTS: Readonly<Record<number, string>> = {
  401: CREDENTIALS,
  403: "check url, and set credentials that may write there",
  407: "the proxy wants a user name and password: HTTP_PROXY=http://USER:PASSWORD@HOST:PORT",
  404: "check url: there is nothing at that path",
  405: "check method: this server does not take it there",
  409: "the folder of url may not exist on the server",
  411: "a proxy in between dropped Content-Length",
  413: "raise the server's limit for the size of a request (nginx: client_max_body_size)",
  415: "set a Content-Type in headers that the server takes",
  507: "the server's storage is full",
};

function stallError(
  { url }: Server,
  phase: ExchangeError["phase"],
  stalledMs: number,
  cause: unknown,
): OtaError<"delivery/timeout"> | OtaError<"delivery/server-unreachable"> {
  const seconds = Math.round(stalledMs) / 1000;
  if (phase === "connect") {
    const message = `${url.origin} can't be reached: no answer within ${seconds} s`;
    return new OtaError("delivery/server-unreachable", message, addressOf(url), { cause, hint: UNREACHABLE_HINT });
  }
  const what = phase === "send" ? "took nothing of the image" : "did not answer";
  const message = `${url.origin} ${what} for ${seconds} s`;
  const hint = "timeout in the channel says how long nothing may move";
  return new OtaError("delivery/timeout", message, { seconds, devices: [] }, { cause, hint });
}

const UNREACHABLE_HINT = "is it running, and are host and port of url right?";

function unreachableError(code: string, { url }: Server, cause: unknown): OtaError<"delivery/server-unreachable"> {
  const unknown = CLOSED.includes(code) ? "it closed the connection" : code || "the connection failed";
  const { reason, hint } = socketFaultOf(code, "url") ?? { reason: unknown, hint: UNREACHABLE_HINT };
  const message = `${url.origin} can't be reached: ${reason}`;
  return new OtaError("delivery/server-unreachable", message, addressOf(url), { cause, hint });
}

const CLOSED: readonly string[] = ["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"];

const TLS_SETTINGS: TlsSettings = {
  url: "url",
  channel: "the https channel",
  unchecked: "verify: false",
  plainScheme: "http",
};

function tlsError(code: string, { url }: Server, cause: unknown): OtaError<"delivery/tls-failed"> | undefined {
  const found = tlsFaultOf(code, messageOf(cause), TLS_SETTINGS);
  if (found === undefined) return undefined;
  const { reason, hint } = found;
  const message = `${url.origin} can't be trusted or does not trust us: ${reason}`;
  return new OtaError("delivery/tls-failed", message, { ...addressOf(url), reason }, { cause, hint });
}

/** The texts of an error and its causes. */
function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.message} ${messageOf(error.cause)}` : "";
}

/** The name of a socket's, TLS or undici error, wherever in the chain of causes it stands; empty for any other. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  if ("code" in error && typeof error.code === "string") return error.code;
  return codeOf(error.cause);
}
