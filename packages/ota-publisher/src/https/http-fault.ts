import { STATUS_CODES } from "node:http";
import { isOtaError, OtaError } from "@tinybms/ota-core";
import { errors } from "undici";
import { ExchangeError, type HttpAnswer } from "./http-connection.ts";
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
  const code = codeOf(inner);
  if (inner instanceof errors.HTTPParserError || inner instanceof errors.HeadersOverflowError) {
    const message = `${server.url.origin} does not answer in HTTP/1.1, or with headers beyond any use`;
    const hint = "is the port right, and is it https:// that is spoken there?";
    // No cause: it holds what the server sent, and that may repeat a secret.
    const error = new OtaError("delivery/answer-invalid", message, addressOf(server.url), { hint });
    return { error, transient: false };
  }
  const tls = tlsFault(code, server, inner);
  if (tls !== undefined) return { error: tls, transient: false };
  if (phase === "connect") return { error: unreachableError(code, server, inner), transient: code !== "ENOTFOUND" };
  const when = phase === "send" ? "while the image was sent" : "before it answered";
  const message = `${server.url.origin} closed the connection ${when}`;
  const hint = "the server's log may tell why: a limit for the size of a request is the usual reason";
  const options = { cause: inner, hint };
  return { error: new OtaError("delivery/connection-lost", message, addressOf(server.url), options), transient: true };
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
  403: "these credentials may not write there; check them and url",
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
  const reason = SOCKET_REASONS[code] ?? (code === "" ? "the connection failed" : code);
  const message = `${url.origin} can't be reached: ${reason}`;
  return new OtaError("delivery/server-unreachable", message, addressOf(url), { cause, hint: UNREACHABLE_HINT });
}

const SOCKET_REASONS: Readonly<Record<string, string>> = {
  EAI_AGAIN: "the name server does not answer",
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "it closed the connection",
  EHOSTUNREACH: "no way leads to the host",
  ENETUNREACH: "no way leads to its network",
  ENOTFOUND: "there is no host of that name",
  EPIPE: "it closed the connection",
  ETIMEDOUT: "no answer",
  UND_ERR_SOCKET: "it closed the connection",
};

const WRONG_HOST = "url must name the host as the certificate does";
const UNKNOWN_ISSUER =
  "name the issuer's certificate in ca, or, on a bench, set verify to false and give --allow-insecure";
const CLIENT_CERTIFICATE = "the server wants another client certificate: check cert and key";

/** Errors of OpenSSL and Node for a peer's certificate, and alerts of the peer about ours (RFC 8446 section 6.2). */
const TLS_REASONS: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  CERT_HAS_EXPIRED: ["its certificate has expired", "renew it, or set this machine's clock"],
  CERT_NOT_YET_VALID: ["its certificate is not valid yet", "set this machine's clock"],
  CERT_REVOKED: ["its certificate was revoked", "renew it"],
  DEPTH_ZERO_SELF_SIGNED_CERT: [
    "its certificate is signed by itself",
    "name that certificate in ca, or, on a bench, set verify to false and give --allow-insecure",
  ],
  EPROTO: ["it does not speak TLS as we do", "is it http:// that is spoken on that port?"],
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: ["it refused our certificate", CLIENT_CERTIFICATE],
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: ["it refused the handshake", CLIENT_CERTIFICATE],
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: ["it wants a client certificate", "set cert and key"],
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: ["it does not know the issuer of our certificate", CLIENT_CERTIFICATE],
  ERR_SSL_WRONG_VERSION_NUMBER: ["it does not speak TLS", "is it http:// that is spoken on that port?"],
  ERR_TLS_CERT_ALTNAME_INVALID: ["its certificate is for another host", WRONG_HOST],
  SELF_SIGNED_CERT_IN_CHAIN: ["its certificate's issuer is not known here", UNKNOWN_ISSUER],
  UNABLE_TO_GET_ISSUER_CERT: ["its certificate's issuer is not known here", UNKNOWN_ISSUER],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ["its certificate's issuer is not known here", UNKNOWN_ISSUER],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ["its certificate's issuer is not known here", UNKNOWN_ISSUER],
};

function tlsFault(code: string, { url }: Server, cause: unknown): OtaError<"delivery/tls-failed"> | undefined {
  const isTls = Object.hasOwn(TLS_REASONS, code) || /^(?:ERR_SSL|ERR_TLS|CERT_|UNABLE_TO_)/.test(code);
  if (!isTls) return undefined;
  const [reason, hint] = TLS_REASONS[code] ?? [`TLS failed (${code})`, "check ca, cert and key, and the server's log"];
  const message = `${url.origin} can't be trusted or does not trust us: ${reason}`;
  return new OtaError("delivery/tls-failed", message, { ...addressOf(url), reason }, { cause, hint });
}

/** The name of a socket's, TLS or undici error, wherever in the chain of causes it stands; empty for any other. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  if ("code" in error && typeof error.code === "string") return error.code;
  return codeOf(error.cause);
}
