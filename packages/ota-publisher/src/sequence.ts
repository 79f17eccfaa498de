import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isOtaError, OtaError, utf8 } from "@tinybms/ota-core";
import { acquireLock, assertWithin, type Lock, writeFileAtomically } from "@tinybms/ota-core/node";
import { codeOf } from "./system-error.ts";

/** Counter of offers. Devices accept only a greater one, compared by epoch first, then by sequence. */
export type OfferCounter = readonly [epoch: number, sequence: number];

/** Epoch of unsigned offers, and of offers under the first key set. */
const FIRST_EPOCH = 1;

/** How far a retained counter may be ahead of this publisher's record. A larger jump is a mistake or an attack. */
const JUMP_MAX = 1_000;

/** How long to wait for another command that uses the record, in milliseconds. */
const LOCK_TIMEOUT_MS = 30_000;

/** Largest counter: integers of the protocol end at 2³¹ − 1. */
const COUNTER_MAX = 2 ** 31 - 1;

/** Returns the path of the record, next to the root manifest. It is part of the release line. */
export function sequenceFileOf(manifestFolder: string): string {
  return join(manifestFolder, ".tinybms-ota", "sequence.json");
}

/**
 * Returns the counter of the next offer: one above the highest in the record and on the broker.
 *
 * @param recorded - Counter in the record for this topic; `undefined` before the first offer.
 * @param retained - Counters of the offers that the broker retains for the same devices.
 * @param keyEpoch - Epoch of the current key set, under which offers count; `undefined` without a key set.
 * @throws {@link OtaError} `delivery/sequence-jump` if the counter would be more than 1 000 above the record, or none
 *   is left; `signing/key-set-epoch` if this publisher already made an offer under a later key set.
 */
export function nextCounter(
  recorded: OfferCounter | undefined,
  retained: readonly OfferCounter[],
  keyEpoch?: number,
): OfferCounter {
  if (keyEpoch !== undefined && recorded !== undefined && recorded[0] > keyEpoch)
    throw olderKeys(recorded[0], keyEpoch);
  const seen = (recorded === undefined ? retained : [recorded, ...retained]).filter(
    ([epoch]) => keyEpoch === undefined || epoch === keyEpoch,
  );
  const [epoch, sequence] = seen.reduce(higherOf, [keyEpoch ?? FIRST_EPOCH, 0]);
  const from = recorded?.[0] === epoch ? recorded[1] : 0;
  const isJump = recorded !== undefined && sequence - from > JUMP_MAX;
  if (!isJump && sequence < COUNTER_MAX) return [epoch, sequence + 1];
  const message = `an offer on the broker has the sequence ${sequence}; the last one from here had ${from}, and one may be at most ${JUMP_MAX} ahead`;
  const hint = "find out who published it; an offer that nobody should have made can be cleared from the broker";
  throw new OtaError("delivery/sequence-jump", message, { from, to: sequence }, { hint });
}

function olderKeys(expected: number, found: number): OtaError<"signing/key-set-epoch"> {
  const message = `an offer of epoch ${expected} was made from here; the key sets at hand end with ${found}`;
  const hint = "fetch the newer key sets: whoever made them keeps them with the release line";
  return new OtaError("signing/key-set-epoch", message, { expected, found }, { hint });
}

/**
 * Reads the counter in the record for a topic.
 *
 * @param topicRoot - Topic of the channel.
 * @returns `undefined` if this publisher has made no offer.
 * @throws {@link OtaError} `manifest/unreadable` if the file exists but can't be read, or is not a record.
 */
export async function readCounter(file: string, topicRoot: string): Promise<OfferCounter | undefined> {
  return (await readRecord(file)).get(topicRoot);
}

/** Parameters of {@link takeCounter}. */
export interface CounterRequest {
  /** Topic of the channel. */
  readonly topicRoot: string;
  /** As of {@link nextCounter}. */
  readonly retained: readonly OfferCounter[];
  /** As of {@link nextCounter}. */
  readonly keyEpoch: number | undefined;
  readonly signal?: AbortSignal;
}

/**
 * Takes the counter of the next offer and records it under a lock, so that two commands never get the same counter. The
 * counter is recorded before its offer is published, so that every published counter is recorded.
 *
 * @throws {@link OtaError} as {@link nextCounter} and {@link readCounter}; `package/locked`, `package/write-failed`;
 *   the signal's reason.
 */
export async function takeCounter(
  file: string,
  { topicRoot, retained, keyEpoch, signal }: CounterRequest,
): Promise<OfferCounter> {
  const lock = await lockRecord(file, signal);
  try {
    const record = await readRecord(file);
    const counter = nextCounter(record.get(topicRoot), retained, keyEpoch);
    record.set(topicRoot, counter);
    lock.assertHeld();
    await writeRecord(file, record);
    return counter;
  } finally {
    lock.release();
  }
}

/** Returns the folder of the release line of a record: see {@link sequenceFileOf}. */
function folderOf(file: string): string {
  return dirname(dirname(file));
}

async function lockRecord(file: string, signal: AbortSignal | undefined): Promise<Lock> {
  try {
    await assertWithin(folderOf(file), file);
    await mkdir(dirname(file), { recursive: true });
    return await acquireLock(`${file}.lock`, { timeoutMs: LOCK_TIMEOUT_MS, signal });
  } catch (error) {
    if (isOtaError(error) || signal?.aborted === true) throw error;
    throw unwritable(file, error);
  }
}

async function writeRecord(file: string, record: ReadonlyMap<string, OfferCounter>): Promise<void> {
  const sorted = [...record].sort(([left], [right]) => (left < right ? -1 : 1));
  const text = `${JSON.stringify({ topics: Object.fromEntries(sorted) }, null, 2)}\n`;
  try {
    await writeFileAtomically(file, utf8(text), folderOf(file));
  } catch (error) {
    if (isOtaError(error)) throw error;
    throw unwritable(file, error);
  }
}

function unwritable(file: string, cause: unknown): OtaError<"package/write-failed"> {
  const hint = "the number of every offer is recorded there, so that devices never see one twice";
  return new OtaError("package/write-failed", `${file} can't be written`, { file }, { cause, hint });
}

async function readRecord(file: string): Promise<Map<string, OfferCounter>> {
  try {
    const record = recordOf(JSON.parse(await readFile(file, "utf8")));
    if (record !== undefined) return record;
    throw damaged(file);
  } catch (cause) {
    if (isOtaError(cause)) throw cause;
    if (codeOf(cause) === "ENOENT") return new Map();
    throw damaged(file, cause);
  }
}

function recordOf(document: unknown): Map<string, OfferCounter> | undefined {
  if (!isObject(document) || !isObject(document.topics)) return undefined;
  const record = new Map<string, OfferCounter>();
  for (const [topic, counter] of Object.entries(document.topics)) {
    if (!Array.isArray(counter) || counter.length !== 2) return undefined;
    const [epoch, sequence]: unknown[] = counter;
    if (!isCounter(epoch) || !isCounter(sequence)) return undefined;
    record.set(topic, [epoch, sequence]);
  }
  return record;
}

function higherOf(left: OfferCounter, right: OfferCounter): OfferCounter {
  return right[0] > left[0] || (right[0] === left[0] && right[1] > left[1]) ? right : left;
}

function isCounter(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= COUNTER_MAX;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function damaged(file: string, cause?: unknown): OtaError<"manifest/unreadable"> {
  const message = `${file} can't be read, or is not what was written: it must hold {"topics": {"<topic>": [epoch, sequence]}}`;
  const hint = "restore it; without it the next offer counts on from what the broker keeps";
  return new OtaError("manifest/unreadable", message, { file }, { cause, hint });
}
