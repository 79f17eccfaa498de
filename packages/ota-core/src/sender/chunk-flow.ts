import { assert } from "../assert.ts";
import type { ChunkRange } from "../bitmap.ts";
import { CHUNK_HEADER_SIZE } from "../messages/chunk.ts";
import { chunkSizeAt } from "../messages/hash-list.ts";
import { CHUNK_SIZE } from "../messages/timing.ts";
import type { DeviceRequest } from "../schemas/types.generated.ts";
import type { DeviceEntry, DeviceLedger } from "./device-ledger.ts";
import { clipRanges, RequestUnion } from "./merge-requests.ts";
import { Pace } from "./pace.ts";
import { chooseUnicast, UNICAST_CHUNKS_MAX, UnicastAnswers } from "./unicast-answers.ts";

/** Chunks that may leave at once after a pause, at any rate. */
const BURST_CHUNKS = 4;

/** How often a device without credit is given a range, in milliseconds. */
const FAVOUR_MS = 60_000;

/** How long the line of the crowd is good for, in milliseconds: drawing it looks at every device. */
const LINE_MS = 200;

/** What a {@link ChunkFlow} is made with. */
export interface ChunkFlowOptions {
  readonly chunkCount: number;
  /** Bytes of the image. */
  readonly sizeBytes: number;
  /** Chunks that may be on their way at once. Fewer if they are more than a second of `rate`. */
  readonly window: number;
  /** Bytes a second, headers included; 0: no limit. */
  readonly rate: number;
  readonly ledger: DeviceLedger;
}

/** What leaves next, or when it may. */
export type NextChunk =
  /** For all devices, or, with `device`, for this one. */
  | { readonly type: "chunk"; readonly index: number; readonly device: string | undefined }
  | { readonly type: "wait"; readonly until: number };

/** What became of a request. */
export type RequestResult = "taken" | "merged" | "malformed" | "no-credit" | "too-many-devices";

/**
 * Decides which chunk leaves when: unites requests into rounds, answers single devices between them, and keeps to pace,
 * window and each device's credit.
 */
export class ChunkFlow {
  readonly #options: ChunkFlowOptions;
  readonly #ledger: DeviceLedger;
  readonly #union: RequestUnion;
  readonly #answers = new UnicastAnswers();
  readonly #pace: Pace;
  readonly #window: number;
  /** Chunks on their way, by the id they were published with. */
  readonly #inFlight = new Map<number, { readonly index: number; readonly device: string | undefined }>();
  #round = 0;
  /** The last round did not end by itself: what devices lack now says nothing about its pace. */
  #interrupted = true;
  #singleLast = false;
  #line = { lacking: Number.POSITIVE_INFINITY, drawnAt: Number.NEGATIVE_INFINITY };

  constructor(options: ChunkFlowOptions) {
    assert(Number.isInteger(options.window) && options.window >= 1, "a window lets a chunk through");
    this.#options = options;
    this.#ledger = options.ledger;
    this.#union = new RequestUnion(options.chunkCount);
    this.#window = windowOf(options);
    this.#pace = new Pace(options.rate, BURST_CHUNKS * (CHUNK_HEADER_SIZE + CHUNK_SIZE));
  }

  /** Whether requests have gathered that no round answers yet. */
  get gathering(): boolean {
    return !this.#union.running && this.#union.pending > 0;
  }

  /** Chunks on their way. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Bytes a second at the moment; 0: no limit. */
  get rate(): number {
    return this.#pace.rate;
  }

  /**
   * Takes a request for this image.
   *
   * A device that asks for it, or is far behind the crowd, is answered alone, with as many chunks as its window and
   * {@link UNICAST_CHUNKS_MAX} allow; everything else is united.
   */
  ask(entry: DeviceEntry, request: DeviceRequest, now: number): RequestResult {
    const ranges = clipRanges(request.missing, this.#options.chunkCount);
    if (ranges.length === 0) return "malformed";
    entry.lacking = Math.min(request.missing_count, this.#options.chunkCount);
    const limit = Math.min(request.window || UNICAST_CHUNKS_MAX, UNICAST_CHUNKS_MAX);
    if (request.unicast || this.#isFarBehind(entry.lacking, now)) return this.#answer(entry, ranges, limit, now);
    const joins = this.#union.pending > 0;
    entry.joinedRound ??= this.#round + (this.#union.running ? 2 : 1);
    const refused = this.#union.ask(entry, this.#withinWindow(ranges, request.window));
    if (refused.length > 0) return this.#favour(entry, refused, limit, now);
    return joins ? "merged" : "taken";
  }

  /** Begins the round that answers what has gathered, at the pace that the last round suggests. */
  beginRound(): void {
    if (!this.gathering) return;
    if (!this.#interrupted) this.#pace.adapt(this.#ledger.lostInRound(this.#round, this.#union.sent));
    this.#interrupted = false;
    this.#round++;
    this.#union.start();
  }

  /**
   * What leaves next; a chunk counts as taken, and is told to {@link sent} once it has an id.
   *
   * @returns `undefined` when there is nothing to send, or no room in the window.
   */
  next(now: number): NextChunk | undefined {
    if (this.#inFlight.size >= this.#window) return undefined;
    const single = this.#answers.peek();
    const shared = this.#union.peek();
    // In turns, so that neither a large round nor many single devices hold up the other.
    const chosen = single !== undefined && (shared === undefined || !this.#singleLast) ? single : shared;
    if (chosen === undefined) return undefined;
    const index = typeof chosen === "number" ? chosen : chosen.index;
    const bytes = CHUNK_HEADER_SIZE + chunkSizeAt(index, this.#options.sizeBytes);
    const until = this.#pace.readyAt(now, bytes);
    if (until > now) return { type: "wait", until };
    this.#pace.spend(bytes);
    this.#singleLast = typeof chosen !== "number";
    if (typeof chosen === "number") this.#union.take();
    else this.#answers.take();
    return { type: "chunk", index, device: typeof chosen === "number" ? undefined : chosen.device };
  }

  /** Records that a chunk which {@link next} named is read, and then published, under this id. */
  sent(id: number, index: number, device: string | undefined): void {
    this.#inFlight.set(id, { index, device });
  }

  /** Returns the chunk that {@link sent} recorded under this id; `undefined` once it is drained or rewound. */
  find(id: number): { readonly index: number; readonly device: string | undefined } | undefined {
    return this.#inFlight.get(id);
  }

  /** A publish has been taken over by the broker, or has left; ids of other publishes are ignored. */
  drained(id: number): void {
    this.#inFlight.delete(id);
  }

  /** The connection was lost: what was on its way waits again, before anything else of its kind. */
  rewind(): void {
    const shared: number[] = [];
    const single = new Map<string, number[]>();
    for (const { index, device } of this.#inFlight.values()) {
      if (device === undefined) shared.push(index);
      else single.set(device, [...(single.get(device) ?? []), index]);
    }
    this.#inFlight.clear();
    for (const [device, lost] of single) this.#answers.add(device, lost);
    this.#interrupted ||= this.#union.running || shared.length > 0;
    this.#union.rewind(shared);
  }

  /**
   * Returns the part of a request that a round answers. Without a pace, the device's window alone keeps chunks from queuing
   * at the broker, where an offer or a withdrawal would wait behind them.
   */
  #withinWindow(ranges: readonly ChunkRange[], window: number): readonly ChunkRange[] {
    if (this.#options.rate > 0 || window === 0) return ranges;
    const chunks = chooseUnicast(ranges, window).sort((left, right) => left - right);
    return chunks.map((index) => [index, 1]);
  }

  #isFarBehind(lacking: number, now: number): boolean {
    if (now >= this.#line.drawnAt + LINE_MS) this.#line = { lacking: this.#ledger.lineOfCrowd(), drawnAt: now };
    return lacking >= this.#line.lacking;
  }

  #answer(entry: DeviceEntry, ranges: readonly ChunkRange[], limit: number, now: number): RequestResult {
    if (!this.#answers.hasRoom(entry.device)) return "too-many-devices";
    const chunks = chooseUnicast(ranges, limit);
    const credit = entry.credit + this.#answers.waiting(entry.device);
    const paid = chunks.slice(0, Math.max(0, Math.floor(credit)));
    if (paid.length > 0) {
      entry.credit = credit - paid.length;
      this.#answers.put(entry.device, paid);
    }
    return paid.length === chunks.length ? "taken" : this.#favour(entry, chunks.slice(paid.length), limit, now);
  }

  /** Gives a device without credit the first range of what it was refused, once a minute. */
  #favour(entry: DeviceEntry, refused: readonly number[], limit: number, now: number): RequestResult {
    entry.favourAt ??= now;
    if (now - entry.favourAt < FAVOUR_MS) return "no-credit";
    if (!this.#answers.hasRoom(entry.device)) return "too-many-devices";
    entry.favourAt = now;
    // Chunk 0 is of use only to a device that lacks nothing else.
    const useful = refused.length > 1 ? refused.filter((index) => index > 0) : refused;
    const first = useful[0] ?? 0;
    const range = useful.filter((index, position) => index === first + position).slice(0, limit);
    this.#answers.add(entry.device, range);
    return "taken";
  }
}

/** Returns how many chunks may be on their way at once: news must not wait behind more than a second of chunks. */
function windowOf({ window, rate }: ChunkFlowOptions): number {
  const second = Math.max(1, Math.floor(rate / (CHUNK_HEADER_SIZE + CHUNK_SIZE)));
  return rate === 0 ? window : Math.min(window, second);
}
