import { Bitmap, type ChunkRange } from "../bitmap.ts";
import type { SentChunks } from "./sent-chunks.ts";

/** Time for which chunk 0 may be on its way to a device that lacks nothing else, in milliseconds. */
const ZERO_LAG_MS = 1_000;

/** What a publisher knows of the chunks that a device has seen. Places are those of {@link SentChunks}. */
export interface Listener {
  /** Place from which the device listens; `undefined` before it says so. */
  listeningFrom: number | undefined;
  /** Place up to which it has seen what was sent. */
  seenUntil: number;
  /** Chunks that it lacked at its last request. */
  lacked: Bitmap | undefined;
  /** Place of the latest send at its last request. */
  askedAt: number;
}

/** Chunks that a device asks for. */
export interface RequestedChunks {
  /** Ranges of the request, as `clipRanges` makes them. */
  readonly ranges: readonly ChunkRange[];
  /** Number of chunks that the device lacks, those without a range included. */
  readonly missingCount: number;
}

/** Time for which a chunk may be on its way, in milliseconds. */
export interface Lag {
  readonly ofDeviceMs: number;
  /** The same if no device has seen the chunk yet, nor a later one: what delays it is not this device. */
  readonly ofAllMs: number;
}

/** Result of {@link judgeRequest}. */
export interface JudgedRequest {
  /** Chunks to send: those of the request that are not on their way. Ascending and apart. */
  readonly wanted: readonly ChunkRange[];
  /** Number of chunks that were sent since the request before, and that the device should have by now. */
  readonly expected: number;
  /** Number of those that it lacks. */
  readonly lost: number;
}

/**
 * Tells lag from loss in the request of a device. A chunk that the device lacks is lost if the device has a chunk that was
 * sent later. Otherwise it may be on its way for a time.
 *
 * Chunk 0 is wanted with any other, and if nothing else is missing: devices drop it while they lack another. A device that
 * dropped it asks as soon as it has the others, so for a moment the chunk 0 behind them is on its way.
 *
 * @param listener - Updated to what the request says.
 */
export function judgeRequest(
  listener: Listener,
  { ranges, missingCount }: RequestedChunks,
  sent: SentChunks,
  now: number,
  lag: Lag,
): JudgedRequest {
  const { chunkCount } = sent;
  const lacking = bitmapOf(ranges, missingCount, chunkCount);
  const seenUntil = lastSeen(listener, lacking, sent);
  const since = listener.lacked === undefined ? Number.POSITIVE_INFINITY : listener.askedAt;
  const dueUntil = Math.max(seenUntil, sent.settledUntil, listener.listeningFrom ?? Number.POSITIVE_INFINITY);
  sent.seen(seenUntil);
  const isDue = (index: number): boolean => {
    const place = sent.placeOf(index);
    return place <= dueUntil || sent.ageOf(index, now) > (place > sent.seenUntil ? lag.ofAllMs : lag.ofDeviceMs);
  };
  let [expected, lost] = [0, 0];
  for (let index = listener.lacked?.next(1); index !== undefined; index = listener.lacked?.next(index + 1)) {
    if (sent.placeOf(index) <= since || (lacking.has(index) && !isDue(index))) continue;
    expected++;
    if (lacking.has(index)) lost++;
  }
  const wanted = new Bitmap(chunkCount);
  for (const [first, count] of ranges) {
    for (let index = first; index < first + count; index++) if (isDue(index)) wanted.add(index);
  }
  const isZeroAlone = lacking.count === 1 && sent.ageOf(0, now) >= ZERO_LAG_MS;
  if (lacking.has(0) && (wanted.count > 0 || isZeroAlone)) wanted.add(0);
  listener.lacked = lacking;
  listener.seenUntil = seenUntil;
  listener.askedAt = sent.place;
  listener.listeningFrom ??= sent.place;
  return { wanted: wanted.ranges(chunkCount), expected, lost };
}

/** Returns the place up to which a device has seen what was sent: that of the latest chunk which it lacks no more. */
function lastSeen({ lacked, seenUntil }: Listener, lacking: Bitmap, sent: SentChunks): number {
  let seen = seenUntil;
  for (let index = lacked?.next(0); index !== undefined; index = lacked?.next(index + 1)) {
    if (!lacking.has(index)) seen = Math.max(seen, sent.firstPlaceAfter(index, seenUntil));
  }
  return seen;
}

/** Returns the chunks that a request says are missing. A request lists the lowest ranges; all after them may be missing. */
function bitmapOf(ranges: readonly ChunkRange[], missingCount: number, chunkCount: number): Bitmap {
  const lacking = new Bitmap(chunkCount);
  let [listed, end] = [0, 0];
  for (const [first, count] of ranges) {
    for (let index = first; index < first + count; index++) lacking.add(index);
    listed += count;
    end = first + count;
  }
  if (listed < missingCount) for (let index = end; index < chunkCount; index++) lacking.add(index);
  return lacking;
}
