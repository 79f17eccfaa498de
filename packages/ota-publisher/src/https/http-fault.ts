import { STATUS_CODES } from "node:http";
import { isOtaError, OtaError } from "@tinybms/ota-core";
import { errors } from "undici";
import { socketFaultOf } from "../network/socket-fault.ts";
import { type TlsSettings, tlsFaultOf } from "../network/tls-fault.ts";
import { ExchangeError, type HttpAnswer, ProxyError } from "./http-connection.ts";
import { retryAfterMs } from "./retry-wait.ts";
import { explanationIn, type ServerText } from "./server-text.ts";

/** Fault of an attempt. */
export interface HttpFault {
  readonly error: OtaError;
  /** `true` if the same attempt may succeed later. */
  readonly transient: boolean;
  /** Wait that the server asks for, in milliseconds. */
  readonly retryAfterMs?: number;
}

/** Server that a fault concerns. */
export interface Server {
  readonly url: URL;
  /** URL without secrets. */
  readonly display: string;
  readonly text: ServerText;
}

/** Returns host and port for an error's details. */
export function addressOf({ protocol, hostname, port }: URL): { readonly host: string; readonly port: number } {
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  return { host, port: port === "" ? (protocol === "https:" ? 443 : 80) : Number(port) };
}

/** Creates the fault for a request without an answer. */
export function exchangeFault(cause: unknown, server: Server): HttpFault {
  if (!(cause instanceof ExchangeError)) throw cause;
  const { phase, stalledMs, cause: inner } = cause;
  // An error of the body: the file changed or can't be read.
  if (isOtaError(inner)) return { error: inner, transient: false };
  if (stalledMs !== undefined) return { error: stallError(server, phase, stalledMs, inner), transient: true };
  if (inner instanceof ProxyError) return proxyFault(inner, server);
  const code = codeOf(inner);
  if (inner instanceof errors.HTTPParserError || inner instanceof errors.HeadersOverflowError) {
    const message = `${server.url.origin} does not answer in HTTP/1.1, or its headers are too long`;
    const isTls = server.url.protocol === "https:";
    const hint = `check the port${isTls ? "" : "; the server may expect https://"}`;
    // Without a cause: it contains what the server sent, which may include a secret.
    const error = new OtaError("delivery/answer-invalid", message, addressOf(server.url), { hint });
    return { error, transient: false };
  }
  const tls = tlsError(code, server, inner);
  if (tls !== undefined) return { error: tls, transient: false };
  if (phase === "connect") return { error: unreachableError(code, server, inner), transient: code !== "ENOTFOUND" };
  const when = phase === "send" ? "while the image was sent" : "before it answered";
  const message = `${server.url.origin} closed the connection ${when}`;
  const certificate =
    server.url.protocol === "https:" ? ", or require another client certificate (`cert` and `key`)" : "";
  const hint = `check the server's log: it may limit the size of a request${certificate}`;
  const options = { cause: inner, hint };
  return { error: new OtaError("delivery/connection-lost", message, addressOf(server.url), options), transient: true };
}

/** Creates the fault for a proxy that did not connect to the server. */
function proxyFault({ proxy, status, cause }: ProxyError, { url }: Server): HttpFault {
  const through = `${url.origin} can't be reached through the proxy ${proxy}`;
  if (status === undefined) {
    const { reason, hint } = socketFaultOf(codeOf(cause), "the proxy's URL") ?? { reason: "it failed", hint: "" };
    const advice = `${hint}${hint === "" ? "" : " "}HTTPS_PROXY and HTTP_PROXY name the proxy; NO_PROXY lists hosts that need none`;
    const message = `${through}: ${reason}`;
    const options = { cause, hint: advice };
    return { error: new OtaError("delivery/server-unreachable", message, addressOf(url), options), transient: true };
  }
  const hint =
    status === 407
      ? "the proxy requires a user name and password: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"
      : "the proxy opens no tunnel there: check its rules, or list the host in NO_PROXY";
  const message = `${through}: it answered ${`${status} ${STATUS_CODES[status] ?? ""}`.trim()}`;
  const error = new OtaError("delivery/server-unreachable", message, addressOf(url), { hint });
  return { error, transient: status >= 500 };
}

/**
 * Creates the fault for an answer that is neither a success nor a followed redirect: 429 and 5xx are transient, others
 * are not (RFC 9110 section 15, RFC 6585 section 4).
 *
 * @param epochMs - Current time in milliseconds since 1970, for a `Retry-After` that is a date.
 */
export function statusFault(answer: HttpAnswer, server: Server, epochMs: number): HttpFault {
  const { status } = answer;
  const contentType = answer.headers.get("content-type") ?? "";
  const said = server.text.show(explanationIn(Buffer.from(answer.body).toString("utf8"), contentType));
  const name = `${status} ${STATUS_CODES[status] ?? ""}`.trim();
  const message = `${server.display} answered ${name}${said === "" || said === name ? "" : `: ${said}`}`;
  const details = { ...addressOf(server.url), status };
  const hint = hintOf(status, said);
  if (status !== 429 && status < 500) {
    return { error: new OtaError("delivery/server-refused", message, details, { hint }), transient: false };
  }
  return {
    error: new OtaError("delivery/server-failed", message, details, { hint }),
    transient: true,
    ...retryAfterOf(answer, epochMs),
  };
}

/** Returns the wait that an answer with status 429 or 503 asks for, if any. */
export function retryAfterOf({ status, headers }: HttpAnswer, epochMs: number): Pick<HttpFault, "retryAfterMs"> {
  const asked = status === 429 || status === 503 ? retryAfterMs(headers.get("retry-after"), epochMs) : undefined;
  return asked === undefined ? {} : { retryAfterMs: asked };
}

function hintOf(status: number, said: string): string | undefined {
  if (status === 400 && /certificate/i.test(said)) return "the server requires a client certificate: set cert and key";
  return HINTS[status];
}

const CREDENTIALS = "set the user name and password in url, or an Authorization in headers, best from the environment";

const HINTS: Readonly<Record<number, string>> = {
  401: CREDENTIALS,
  403: "check url, and set credentials that may write there",
  407: "the proxy requires a user name and password: HTTP_PROXY=http://USER:PASSWORD@HOST:PORT",
  404: "check url: there is nothing at that path",
  405: "check method: this server does not accept it there",
  409: "the folder of url may not exist on the server",
  411: "a proxy in between dropped Content-Length",
  413: "raise the server's limit for the size of a request (nginx: client_max_body_size)",
  415: "set a Content-Type in headers that the server accepts",
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
  const what = phase === "send" ? "accepted nothing of the image" : "did not answer";
  const message = `${url.origin} ${what} for ${seconds} s`;
  const hint = "timeout in the channel sets the longest stall";
  return new OtaError("delivery/timeout", message, { seconds, devices: [] }, { cause, hint });
}

const UNREACHABLE_HINT = "check that it is running, and check host and port of url";

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

/** Joins the messages of an error and its causes. */
function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.message} ${messageOf(error.cause)}` : "";
}

/** Returns the code of a socket, TLS or undici error anywhere in the chain of causes; otherwise the empty string. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  if ("code" in error && typeof error.code === "string") return error.code;
  return codeOf(error.cause);
}
