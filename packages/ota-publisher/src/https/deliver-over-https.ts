import type { FileHandle } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { OtaError } from "@tinybms/ota-core";
import { definedMembers } from "../defined-members.ts";
import { loadTlsFiles } from "../tls/tls-files.ts";
import { GATEWAY_IMAGE_SIZE_MIN, type UploadOutcome, uploadToGateway } from "./gateway.ts";
import { HttpConnection } from "./http-connection.ts";
import { addressOf, type HttpFault, statusFault } from "./http-fault.ts";
import { HttpSession } from "./http-session.ts";
import { channelInvalid, type HttpsTarget } from "./https-channel.ts";
import { type BodyFrame, ImageBody, type ImagePlan, openImageFile } from "./image-body.ts";
import { ATTEMPTS_MAX, backoffDelayMs } from "./retry-wait.ts";

/** Plan of a delivery over HTTPS. */
export interface HttpsDeliveryPlan {
  readonly target: HttpsTarget;
  readonly image: ImagePlan & {
    /** File name for the receiver. */
    readonly filename: string;
    readonly version: string;
  };
  /** Time limit for all attempts and the waits between them, in milliseconds. */
  readonly timeoutMs: number;
}

/** Receives the events of an HTTPS delivery. */
export interface HttpsDeliveryWatch {
  /** Called with the number of bytes that were accepted. Restarts at 0 with each attempt. */
  onProgress(bytesSent: number): void;
  /** Called after a failed attempt. The next one starts after `delayMs` milliseconds. */
  onRetry(fault: OtaError, delayMs: number): void;
}

/** Result of an HTTPS delivery. */
export interface HttpsDeliveryOutcome {
  /** Size of the image, in bytes. */
  readonly bytesSent: number;
  /** Messages from the receiver for the user, as sentences. */
  readonly notes: readonly string[];
  /** Version that the receiver read from the image, if it reports one. */
  readonly version?: string;
}

/** Clock and random numbers for the waits between attempts. */
export interface HttpsDeliveryClock {
  /** Returns a monotonic time, in milliseconds. */
  now(): number;
  /** Returns milliseconds since 1970. */
  epochMs(): number;
  /** Waits. Rejects when the signal is aborted. */
  wait(delayMs: number, signal: AbortSignal): Promise<void>;
  /** Returns a number from 0 to below 1. */
  random(): number;
}

const SYSTEM_CLOCK: HttpsDeliveryClock = {
  now: () => performance.now(),
  epochMs: () => Date.now(),
  wait: (delayMs, signal) => delay(delayMs, undefined, { signal }),
  random: () => Math.random(),
};

/** Longest delay of a timer, in milliseconds. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * Delivers an image to an HTTP endpoint, streamed from disk. Retries with increasing waits.
 *
 * @param signal - Stops the delivery.
 * @returns The result, once a 2xx answer to a request with the whole image has arrived.
 * @throws {@link OtaError} `manifest/channel-invalid` for TLS files; `delivery/image-too-small`,
 *   `delivery/image-unreadable`, `delivery/image-mismatch` for the file; `delivery/server-unreachable`,
 *   `delivery/tls-failed`, `delivery/connection-lost`, `delivery/redirected`, `delivery/server-refused`,
 *   `delivery/server-failed`, `delivery/gateway-refused`, `delivery/answer-invalid` for the other side;
 *   `delivery/timeout`, `delivery/interrupted`.
 */
export async function deliverOverHttps(
  plan: HttpsDeliveryPlan,
  watch: HttpsDeliveryWatch,
  signal: AbortSignal,
  clock: HttpsDeliveryClock = SYSTEM_CLOCK,
): Promise<HttpsDeliveryOutcome> {
  const { target, image } = plan;
  assertImageSize(target, image.sizeBytes);
  const files = await loadTlsFiles(target, (fault, cause) => channelInvalid(fault, target.where, cause));
  const file = await openImageFile(image);
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), Math.min(plan.timeoutMs, TIMER_MS_MAX));
  const ended = AbortSignal.any([signal, deadline.signal]);
  const connection = new HttpConnection(target.url, { ...files, verify: target.verify }, target.proxy);
  try {
    const session = new HttpSession(target, connection, ended);
    const attempt = (): Promise<UploadOutcome> => upload(session, plan, file, watch, clock);
    const { notes, version } = await tryUntilDone(attempt, plan, watch, ended, clock);
    // A fast answer may arrive before the report that the last bytes were accepted.
    watch.onProgress(image.sizeBytes);
    return { bytesSent: image.sizeBytes, notes, ...definedMembers({ version }) };
  } catch (error) {
    if (signal.aborted) {
      throw new OtaError("delivery/interrupted", `the delivery to ${target.display} was interrupted`, {});
    }
    if (deadline.signal.aborted) throw deadlineError(plan, error);
    throw error;
  } finally {
    clearTimeout(timer);
    connection.close();
    await file.close();
  }
}

/**
 * Checks that the receiver can take an image of this size.
 *
 * @throws {@link OtaError} `delivery/image-too-small`.
 */
export function assertImageSize({ mode, display }: HttpsTarget, sizeBytes: number): void {
  if (mode !== "multipart" || sizeBytes >= GATEWAY_IMAGE_SIZE_MIN) return;
  const message = `the image has ${sizeBytes} bytes; the gateway ${display} refuses any below ${GATEWAY_IMAGE_SIZE_MIN}`;
  const details = { size: sizeBytes, limit: GATEWAY_IMAGE_SIZE_MIN };
  throw new OtaError("delivery/image-too-small", message, details, {
    hint: "check that the file is the packaged app image",
  });
}

async function upload(
  session: HttpSession,
  { target, image }: HttpsDeliveryPlan,
  file: FileHandle,
  { onProgress }: HttpsDeliveryWatch,
  clock: HttpsDeliveryClock,
): Promise<UploadOutcome> {
  const createBody = (frame: BodyFrame): ImageBody => new ImageBody(file, image, frame, onProgress);
  if (target.mode === "multipart") {
    return await uploadToGateway(session, image.filename, createBody, () => clock.epochMs());
  }
  const headers = new Map([["content-type", "application/octet-stream"], ...target.headers]);
  const createPlain = (): ImageBody => createBody(NO_FRAME);
  const { answer, server, fault } = await session.request({ ...target, headers, createBody: createPlain });
  if (fault !== undefined) return { fault };
  const isSuccess = answer.status >= 200 && answer.status <= 299;
  return isSuccess ? { report: { notes: [] } } : { fault: statusFault(answer, server, clock.epochMs()) };
}

const NO_FRAME: BodyFrame = { head: new Uint8Array(0), tail: new Uint8Array(0) };

async function tryUntilDone(
  attempt: () => Promise<UploadOutcome>,
  { timeoutMs }: HttpsDeliveryPlan,
  { onRetry }: HttpsDeliveryWatch,
  signal: AbortSignal,
  clock: HttpsDeliveryClock,
): Promise<NonNullable<UploadOutcome["report"]>> {
  const endsAt = clock.now() + timeoutMs;
  for (let attempts = 1; ; attempts++) {
    const { report, fault } = await attempt();
    if (report !== undefined) return report;
    if (!fault.transient) throw fault.error;
    if (attempts === ATTEMPTS_MAX) throw givenUp(fault, `${attempts} attempts were made`);
    const waitMs = fault.retryAfterMs || backoffDelayMs(attempts, clock.random());
    const leftMs = endsAt - clock.now();
    if (waitMs >= leftMs) {
      const left = `${inSeconds(Math.max(0, leftMs))} of the delivery's time are left`;
      throw givenUp(fault, fault.retryAfterMs ? `it asks for a retry in ${inSeconds(waitMs)}, but ${left}` : left);
    }
    onRetry(fault.error, waitMs);
    await clock.wait(waitMs, signal);
  }
}

/** Returns the last attempt's error, with the reason why no further attempt is made. */
function givenUp({ error }: HttpFault, reason: string): OtaError {
  const { code, message, details, hint, cause } = error;
  return new OtaError(code, `${message} (${reason})`, details, { cause, hint });
}

function deadlineError({ target, timeoutMs }: HttpsDeliveryPlan, cause: unknown): OtaError<"delivery/timeout"> {
  const message = `the delivery to ${target.display} did not finish within ${inSeconds(timeoutMs)}`;
  const details = { seconds: Math.round(timeoutMs) / 1000, devices: [] };
  const hint = `use a longer --timeout; ${addressOf(target.url).host} may be slow or busy`;
  return new OtaError("delivery/timeout", message, details, { cause, hint });
}

function inSeconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}
