import { randomBytes } from "node:crypto";
import { OtaError } from "@tinybms/ota-core";
import { gatewayErrorOf } from "./gateway-errors.ts";
import type { HttpAnswer } from "./http-connection.ts";
import { addressOf, type HttpFault, retryAfterOf, type Server, statusFault } from "./http-fault.ts";
import type { HttpSession } from "./http-session.ts";
import type { BodyFrame, ImageBody } from "./image-body.ts";
import { multipartFrame } from "./multipart.ts";
import { jsonObjectOf, objectOf } from "./server-text.ts";

/** Report of the gateway on an accepted image. */
export interface GatewayReport {
  /** Messages for the user, as sentences. */
  readonly notes: readonly string[];
  /** Version that the gateway read from the image. */
  readonly version?: string;
}

/** Result of an upload. */
export type UploadOutcome =
  | { readonly report: GatewayReport; readonly fault?: never }
  | { readonly fault: HttpFault; readonly report?: never };

/** Smallest image that the gateway accepts, in bytes. */
export const GATEWAY_IMAGE_SIZE_MIN: number = 32 * 1024;

/** Members of the gateway's answer, unchecked. */
interface GatewayAnswer {
  readonly status?: unknown;
  readonly error_code?: unknown;
  readonly message?: unknown;
  readonly data?: unknown;
}

/** Members of its `data`, unchecked. */
interface GatewayData {
  readonly version?: unknown;
  readonly version_changed?: unknown;
  readonly reboot_required?: unknown;
}

/** Path that issues CSRF tokens. */
const CSRF_PATH = "/api/security/csrf";

/** How often one attempt renews a token that the gateway rejects as expired. */
const TOKEN_RENEWALS_MAX = 2;

/** Statuses that the gateway answers before it reads the image. */
const GUARD_STATUSES: readonly number[] = [401, 403, 404, 405, 413, 429];

/**
 * Uploads an image to the TinyBMS gateway: fetches a CSRF token and posts the form. Repeats both if the gateway rejects
 * the token as expired. Credentials are in the target's headers.
 *
 * @param filename - File name of the image, for the gateway.
 * @param createBody - Creates the body with the form around it.
 * @param epochMs - Returns the current time in milliseconds since 1970.
 */
export async function uploadToGateway(
  session: HttpSession,
  filename: string,
  createBody: (frame: BodyFrame) => ImageBody,
  epochMs: () => number,
): Promise<UploadOutcome> {
  const { url, method, headers } = session.target;
  for (let renewals = 0; ; renewals++) {
    const token = await fetchToken(session, epochMs);
    if (typeof token !== "string") return { fault: token };
    // 128 random bits practically never occur in an image.
    const { contentType, ...frame } = multipartFrame("firmware", filename, randomBytes(16).toString("hex"));
    const { answer, server, fault } = await session.request({
      method,
      url,
      headers: new Map([...headers, ["content-type", contentType], ["x-csrf-token", token]]),
      createBody: () => createBody(frame),
    });
    if (fault !== undefined) return { fault };
    if (answer.status === 403 && renewals < TOKEN_RENEWALS_MAX) continue;
    return outcomeOf(answer, server, epochMs());
  }
}

async function fetchToken(session: HttpSession, epochMs: () => number): Promise<string | HttpFault> {
  const { url, headers } = session.target;
  const withoutBody = [...headers].filter(([name]) => name !== "content-type");
  const { answer, server, fault } = await session.request({
    method: "GET",
    url: new URL(CSRF_PATH, url),
    headers: new Map([...withoutBody, ["accept", "application/json"]]),
  });
  if (fault !== undefined) return fault;
  if (answer.status === 404) {
    const message = `${server.display} does not exist`;
    const hint = "mode multipart is for the TinyBMS gateway; for any other server set mode to body";
    const details = { ...addressOf(server.url), status: 404 };
    return { error: new OtaError("delivery/server-refused", message, details, { hint }), transient: false };
  }
  if (answer.status < 200 || answer.status > 299) return statusFault(answer, server, epochMs());
  const members: { readonly token?: unknown } | undefined = jsonObjectOf(textOf(answer));
  const token = members?.token;
  if (typeof token === "string" && /^[\x21-\x7e]{1,256}$/.test(token)) {
    session.text.hide(token);
    return token;
  }
  const message = `${server.display} answered without a token`;
  const hint = "mode multipart is for the TinyBMS gateway; for any other server set mode to body";
  const error = new OtaError("delivery/answer-invalid", message, addressOf(server.url), { hint });
  return { error, transient: false };
}

/** Parses the gateway's answer leniently: missing or unusual members do not fail a delivery. */
function outcomeOf(answer: HttpAnswer, server: Server, epochMs: number): UploadOutcome {
  const members: GatewayAnswer | undefined = jsonObjectOf(textOf(answer));
  const errorCode = integerOf(members?.error_code);
  const isSuccess = answer.status >= 200 && answer.status <= 299;
  const isRefused = members?.status === "error" || (errorCode ?? 0) !== 0;
  if (isSuccess && !isRefused) return { report: reportOf(members, server) };
  if (errorCode === undefined || GUARD_STATUSES.includes(answer.status)) {
    return isSuccess ? { fault: refusal(answer, server, 0, members) } : { fault: statusFault(answer, server, epochMs) };
  }
  return { fault: { ...refusal(answer, server, errorCode, members), ...retryAfterOf(answer, epochMs) } };
}

function refusal(
  { status }: HttpAnswer,
  { url, text }: Server,
  errorCode: number,
  members: GatewayAnswer | undefined,
): HttpFault {
  const { meaning, hint, transient } = gatewayErrorOf(errorCode);
  const said = typeof members?.message === "string" ? text.show(members.message) : "";
  const message = `the gateway ${url.origin} ${meaning} (error ${errorCode}, HTTP ${status})${said && `: ${said}`}`;
  const details = { ...addressOf(url), status, errorCode };
  return { error: new OtaError("delivery/gateway-refused", message, details, { hint }), transient };
}

function reportOf(members: GatewayAnswer | undefined, { text }: Server): GatewayReport {
  if (members === undefined) return { notes: ["the gateway accepted the image, but its answer can't be read"] };
  const data: GatewayData = objectOf(members.data) ?? {};
  const version = typeof data.version === "string" ? text.show(data.version) : "";
  const notes = [
    ...(data.version_changed === false
      ? [
          `the gateway runs ${version === "" ? "this version" : `version ${version}`} already: it kept its boot slot and the running app`,
        ]
      : []),
    ...(data.reboot_required === true ? ["the gateway needs a restart"] : []),
  ];
  return version === "" ? { notes } : { notes, version };
}

function textOf({ body }: HttpAnswer): string {
  return Buffer.from(body).toString("utf8");
}

function integerOf(value: unknown): number | undefined {
  const number = typeof value === "string" && /^\d{1,4}$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) ? number : undefined;
}
