import { utf8 } from "../bytes.ts";
import { crc32 } from "../crc32.ts";
import { parseStrictJson } from "../json/strict-json.ts";
import type { OfferDocument } from "../messages/offer.ts";
import type { Release } from "../schemas/types.generated.ts";
import { isEarlier } from "../signing/time-floor.ts";

/** Maximum of a number in a record. */
const NUMBER_MAX = 2 ** 31 - 1;

/** Maximum length of an error code in a record. */
const CODE_BYTES_MAX = 39;

/** A time, as the schemas of messages have it. */
const TIME =
  /^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,3})?Z$/;

/** How an offer ended on a device. */
export type Outcome = "confirmed" | "rolled-back" | "failed";

/** What a device keeps across resets, besides what its flash says by itself. */
export interface ReceiverRecord {
  /** Highest (epoch, sequence) accepted; `[0, 0]` before the first offer. */
  readonly accepted: readonly [epoch: number, sequence: number];
  /** SHA-256 of the payload of that offer, hex; empty before the first. */
  readonly payloadSha256: string;
  /** Latest `issued_at` of the authentic offers of an epoch: what expired before it is refused, clock or no clock. */
  readonly floor?: { readonly epoch: number; readonly time: string };
  /**
   * The target slot holds the verified image of the offer `accepted` names, and no flash operation was under way since:
   * after a power cut every byte of it counts.
   */
  readonly whole?: boolean;
  /** Written before the boot partition is set, cleared when the image is confirmed or condemned. */
  readonly attempt?: Attempt;
  /** How the offer `accepted` names ended, so that a standing offer is not installed again. */
  readonly outcome?: {
    readonly offer: string;
    readonly image: string;
    readonly outcome: Outcome;
    readonly error?: string;
  };
}

/** How an offer ended. */
export type OfferOutcome = NonNullable<ReceiverRecord["outcome"]>;

/** An image that was or is about to be started on probation. */
export interface Attempt {
  /** Id of the offer. */
  readonly offer: string;
  /** SHA-256 of the image, 64 hex digits. */
  readonly image: string;
  /** How often it was set to boot under this offer, and booted without the bootloader's protection. */
  readonly attempts: number;
  /** How long it has to prove itself, in milliseconds. */
  readonly probationMs: number;
  /** Longest probation while the image has network and does not reach the broker; the default if absent. */
  readonly probationMaxMs?: number;
  /** It passed its probation: all that may be missing is the otadata entry. */
  readonly proven?: boolean;
  /** Code of the error for which it is being rolled back. */
  readonly error?: string;
}

/** A device that never accepted an offer. */
export const BLANK_RECORD: ReceiverRecord = { accepted: [0, 0], payloadSha256: "" };

/** Returns the time floor of a record after an authentic offer of a certain time. */
export function floorWith(
  { floor }: ReceiverRecord,
  { epoch, issued_at: issuedAt }: Pick<OfferDocument, "epoch" | "issued_at">,
): NonNullable<ReceiverRecord["floor"]> {
  return floor?.epoch === epoch && isEarlier(issuedAt, floor.time) ? floor : { epoch, time: issuedAt };
}

/**
 * Returns the attempt to store before an image is set to boot.
 *
 * @param probationMs - Time that the image has to prove itself if the offer does not say, in milliseconds.
 */
export function attemptOf(
  { attempt }: ReceiverRecord,
  offer: Pick<OfferDocument, "id" | "probation_ms" | "probation_max_ms">,
  release: Pick<Release, "image">,
  probationMs: number,
): Attempt {
  const attempts = (attempt?.offer === offer.id ? attempt.attempts : 0) + 1;
  const { probation_max_ms: probationMaxMs } = offer;
  return {
    offer: offer.id,
    image: release.image.sha256,
    attempts,
    probationMs: offer.probation_ms ?? probationMs,
    ...(probationMaxMs === undefined ? {} : { probationMaxMs }),
  };
}

/** Returns the record before the target slot changes: it no longer says that the slot holds a verified image. */
export function withoutWhole({ whole: _, ...record }: ReceiverRecord): ReceiverRecord {
  return record;
}

/** Returns the record once an offer has ended: with its outcome, and nothing about the image. */
export function withOutcome({ attempt: _, ...record }: ReceiverRecord, outcome: OfferOutcome): ReceiverRecord {
  return { ...withoutWhole(record), outcome };
}

/**
 * The text form in which a device keeps its record: eight hex digits of CRC-32 over all of the JSON that follows.
 *
 * Text on purpose: an NVS string is replaced new-before-old, where ESP-IDF's blobs can lose both in a power cut.
 */
export function buildReceiverRecord(record: ReceiverRecord): string {
  const json = JSON.stringify(record);
  return crc32(utf8(json)).toString(16).padStart(8, "0") + json;
}

/**
 * Reads what {@link buildReceiverRecord} wrote.
 *
 * @returns The record, or `undefined` if the text is not a valid record: a device then starts from {@link BLANK_RECORD}.
 */
export function parseReceiverRecord(text: string): ReceiverRecord | undefined {
  const json = text.slice(8);
  if (crc32(utf8(json)).toString(16).padStart(8, "0") !== text.slice(0, 8)) return undefined;
  const parsed = parseStrictJson(json, { maxDepth: 4, integersOnly: true });
  return parsed.ok && isReceiverRecord(parsed.value) ? parsed.value : undefined;
}

/** Accepts only what receivers write, so that every implementation reads the same. */
function isReceiverRecord(value: unknown): value is ReceiverRecord {
  if (!isObject(value)) return false;
  const { accepted, payloadSha256, floor, whole, attempt, outcome } = value;
  if (!Array.isArray(accepted) || accepted.length !== 2 || !accepted.every((number) => isNumber(number))) return false;
  if (payloadSha256 !== "" && !isHex(payloadSha256, 64)) return false;
  return (
    (floor === undefined || isFloor(floor)) &&
    isTrueOrAbsent(whole) &&
    (attempt === undefined || isAttempt(attempt)) &&
    (outcome === undefined || isOutcome(outcome))
  );
}

function isFloor(value: unknown): boolean {
  return isObject(value) && isNumber(value.epoch) && typeof value.time === "string" && TIME.test(value.time);
}

function isAttempt(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { offer, image, attempts, probationMs, probationMaxMs, proven, error } = value;
  return (
    isHex(offer, 32) &&
    isHex(image, 64) &&
    isNumber(attempts) &&
    isNumber(probationMs) &&
    (probationMaxMs === undefined || isNumber(probationMaxMs, 1)) &&
    isTrueOrAbsent(proven) &&
    isCodeOrAbsent(error)
  );
}

function isOutcome(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { offer, image, outcome, error } = value;
  const isKnown = outcome === "confirmed" || outcome === "rolled-back" || outcome === "failed";
  return isKnown && isHex(offer, 32) && isHex(image, 64) && isCodeOrAbsent(error);
}

function isNumber(value: unknown, min = 0): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= min && value <= NUMBER_MAX;
}

function isHex(value: unknown, digits: number): boolean {
  return typeof value === "string" && value.length === digits && /^[0-9a-f]*$/.test(value);
}

function isTrueOrAbsent(value: unknown): boolean {
  return value === undefined || value === true;
}

function isCodeOrAbsent(value: unknown): boolean {
  if (value === undefined) return true;
  if (typeof value !== "string" || value === "" || value.includes("\0")) return false;
  return utf8(value).length <= CODE_BYTES_MAX;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
