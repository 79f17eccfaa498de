import { assert } from "../assert.ts";
import type { ChunkRange } from "../bitmap.ts";
import { CHUNK_HEADER_SIZE } from "../messages/chunk.ts";
import { chunkSizeAt } from "../messages/hash-list.ts";
import { CHUNK_SIZE } from "../messages/timing.ts";
import type { DeviceRequest } from "../schemas/types.generated.ts";
import type { DeviceEntry, DeviceLedger } from "./device-ledger.ts";
import { FleetGrowth } from "./fleet-growth.ts";
import { judgeRequest } from "./judge-request.ts";
import { type DeliveryLimit, LimitClock } from "./limit-clock.ts";
import { clipRanges, RequestUnion } from "./merge-requests.ts";
import { Pace } from "./pace.ts";
import { SendingTurn } from "./sending-turn.ts";
import { SentChunks } from "./sent-chunks.ts";
import { chooseUnicast, UNICAST_CHUNKS_MAX, UnicastAnswers } from "./unicast-answers.ts";

/** Size of the message of a whole chunk in bytes. */
const MESSAGE_SIZE = CHUNK_HEADER_SIZE + CHUNK_SIZE;

/** Number of chunks that may leave at once after a pause, at any rate. */
const BURST_CHUNKS = 4;

/** Time between two ranges for a device without credit, in milliseconds. */
const FREE_RANGE_MS = 60_000;

/** Minimum number of chunks by which a device judges a round. */
const JUDGED_MIN = 20;

/** Share of a round that a device may lose. */
const LOSS_MAX = 0.05;

/** Chunks of an answer for a device that names no window, where there is no pace: half of what brokers queue. */
const WINDOW_UNNAMED = 512;

/** Time for which an outlier threshold is valid, in milliseconds: computing it visits every device. */
const THRESHOLD_MS = 200;

/** Options of a {@link ChunkFlow}. */
export interface ChunkFlowOptions {
  readonly chunkCount: number;
  /** Size of the image in bytes. */
  readonly sizeBytes: number;
  /** Chunks that may be on their way at once. Fewer if they are more than a second of `rate`. */
  readonly window: number;
  /** Bytes per second, headers included; 0 means no limit. */
  readonly rate: number;
  readonly ledger: DeviceLedger;
  /** Random numbers of a publisher that joined an offer; `undefined` for the one that made it. */
  readonly joinRandom?: (() => number) | undefined;
}

/** Result of {@link ChunkFlow.next}: the next chunk, or when it may leave. */
export type NextChunk =
  /** For all devices, or for one if `device` is given. */
  | { readonly type: "chunk"; readonly index: number; readonly device: string | undefined }
  | { readonly type: "wait"; readonly until: number };

/** Result of {@link ChunkFlow.ask}. */
export type RequestResult = "taken" | "merged" | "malformed" | "no-credit" | "too-many-devices";

/**
 * Decides which chunk leaves when. Unites requests into rounds, answers single devices in between, and keeps to the pace,
 * the window and each device's credit.
 */
export class ChunkFlow {
  readonly #options: ChunkFlowOptions;
  readonly #ledger: DeviceLedger;
  readonly #union: RequestUnion;
  readonly #answers = new UnicastAnswers();
  readonly #pace: Pace;
  readonly #window: number;
  /** Chunks on their way, by the id of their publish. */
  readonly #inFlight = new Map<number, { readonly index: number; readonly device: string | undefined }>();
  #round = 0;
  /** The last round was cut off, so what devices lack now says nothing about its pace. */
  #interrupted = true;
  #singleLast = false;
  readonly #sent: SentChunks;
  readonly #growth: FleetGrowth;
  readonly #limits = new LimitClock();
  readonly #turn: SendingTurn | undefined;
  #asked = 0;
  /** When the round began, and when it last sent a chunk. */
  #startedAt = 0;
  #lastSentAt = 0;
  #threshold = { lacking: Number.POSITIVE_INFINITY, computedAt: Number.NEGATIVE_INFINITY };

  constructor(options: ChunkFlowOptions) {
    assert(Number.isInteger(options.window) && options.window >= 1, "a window lets a chunk through");
    this.#options = options;
    this.#ledger = options.ledger;
    this.#union = new RequestUnion(options.chunkCount);
    this.#window = windowOf(options);
    this.#pace = new Pace(options.rate, BURST_CHUNKS * MESSAGE_SIZE, MESSAGE_SIZE);
    this.#sent = new SentChunks(options.chunkCount);
    this.#growth = new FleetGrowth(options.ledger, options.rate > 0);
    const { joinRandom, chunkCount, rate } = options;
    const gapMs = rate === 0 ? 0 : (MESSAGE_SIZE * 1_000) / rate;
    this.#turn = joinRandom && new SendingTurn(joinRandom, chunkCount, gapMs);
  }

  /** `true` if requests wait for the next round. */
  get gathering(): boolean {
    return !this.#union.running && this.#union.pending > 0;
  }

  /** Number of chunks on their way. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Current pace in bytes per second; 0 means no limit. */
  get rate(): number {
    return this.#pace.rate;
  }

  /** Number of rounds that have begun. */
  get round(): number {
    return this.#round;
  }

  /** Time for which each limit kept the next chunk from leaving, in milliseconds. */
  get limitedMs(): Readonly<Record<DeliveryLimit, number>> {
    return this.#limits.totals;
  }

  /** Number of devices that asked for chunks. */
  get asked(): number {
    return this.#asked;
  }

  /**
   * Records a report: a device that begins to download, or is online again, listens from here on.
   *
   * @param wasListening - `true` if the device was online and downloading before the report.
   */
  reported(entry: DeviceEntry, wasListening: boolean, now: number): void {
    if (entry.state === "downloading" && (entry.listeningFrom === undefined || !wasListening)) {
      entry.listeningFrom = this.#sent.place;
    }
    this.#growth.look(now);
  }

  /**
   * Takes a request for this image.
   *
   * A device that asks for it, or that lacks far more than others, is answered alone, with as many chunks as its window
   * and {@link UNICAST_CHUNKS_MAX} allow. Everything else is united, without what is on its way to the device.
   */
  ask(entry: DeviceEntry, request: DeviceRequest, now: number): RequestResult {
    const { chunkCount } = this.#options;
    const ranges = clipRanges(request.missing, chunkCount);
    if (ranges.length === 0) return "malformed";
    const missingCount = Math.min(request.missing_count, chunkCount);
    if (entry.lacked === undefined) this.#asked++;
    entry.lacking = missingCount;
    this.#growth.look(now);
    const hasProgressed = missingCount < (entry.lacked?.count ?? Number.POSITIVE_INFINITY);
    const lag = this.#growth.lag(hasProgressed, now);
    const { wanted, expected, lost } = judgeRequest(entry, { ranges, missingCount }, this.#sent, now, lag);
    if (expected >= JUDGED_MIN) entry.lossShare = lost / expected;
    const limit = Math.min(request.window || UNICAST_CHUNKS_MAX, UNICAST_CHUNKS_MAX);
    if (request.unicast) {
      const open = this.#sent.without(ranges, now - this.#growth.lagMin(now));
      return this.#answerOpen(entry, open, limit, now);
    }
    if (wanted.length === 0) return "merged";
    if (this.#isFarBehind(entry.lacking, now)) return this.#answerOpen(entry, wanted, limit, now);
    const joins = this.#union.pending > 0;
    entry.joinedRound ??= this.#round + (this.#union.running ? 2 : 1);
    const refused = this.#union.ask(entry, this.#withinWindow(wanted, request.window));
    if (refused.length > 0) return this.#giveFreeRange(entry, refused, limit, now);
    return joins ? "merged" : "taken";
  }

  /**
   * Returns when the next round may begin: at a pace, not while the median device still receives what the last one sent.
   * What devices lack then is complete. A publisher that joined also waits for its turn. `now` if it may begin at once.
   */
  roundReadyAt(now: number): number {
    const readyAt = this.#round === 0 ? now : this.#growth.roundReadyAt(now);
    if (readyAt > now || !this.gathering) return readyAt;
    return this.#turn?.readyAt(now) ?? now;
  }

  /** Begins the round for the requests that wait, at the pace that the last round suggests. */
  beginRound(now: number): void {
    if (!this.gathering) return;
    const loss = this.#ledger.takeLoss(this.#round);
    const reachedBytes = this.#union.sent * MESSAGE_SIZE * (1 - loss);
    const reachedRate = (reachedBytes * 1_000) / Math.max(1, this.#lastSentAt - this.#startedAt);
    if (!this.#interrupted) this.#pace.adapt(loss > LOSS_MAX, reachedRate);
    this.#interrupted = false;
    this.#growth.roundBegan();
    this.#round++;
    this.#startedAt = now;
    this.#union.start();
  }

  /**
   * Takes the next chunk. Call {@link ChunkFlow.sent} with the id of its publish.
   *
   * @returns `undefined` if there is nothing to send or no room in the window.
   */
  next(now: number): NextChunk | undefined {
    if (this.#inFlight.size >= this.#window) {
      this.#limits.set("broker", now);
      return undefined;
    }
    const single = this.#answers.peek();
    const shared = this.#union.peek();
    // By turns, so that a large round and many single devices do not delay each other.
    const chosen = single !== undefined && (shared === undefined || !this.#singleLast) ? single : shared;
    if (chosen === undefined) {
      if (this.#union.pending === 0) this.#turn?.idle();
      this.#limits.set(this.#round > 0 ? "devices" : undefined, now);
      return undefined;
    }
    const turnAt = this.#turn?.readyAt(now) ?? now;
    if (turnAt > now) {
      this.#limits.set(undefined, now);
      return { type: "wait", until: turnAt };
    }
    const index = typeof chosen === "number" ? chosen : chosen.index;
    const bytes = this.#messageSizeOf(index);
    const until = this.#pace.readyAt(now, bytes);
    if (until > now) {
      this.#limits.set(this.#pace.isSlowed ? "devices" : "rate", now);
      return { type: "wait", until };
    }
    this.#pace.spend(bytes);
    this.#turn?.sent(index);
    this.#singleLast = typeof chosen !== "number";
    if (typeof chosen === "number") {
      this.#union.take();
      this.#recordSent(chosen, now);
      this.#lastSentAt = now;
    } else this.#answers.take();
    return { type: "chunk", index, device: typeof chosen === "number" ? undefined : chosen.device };
  }

  /** Records the id under which a chunk is read and published. */
  sent(id: number, index: number, device: string | undefined): void {
    this.#inFlight.set(id, { index, device });
  }

  /** Returns the chunk with an id; `undefined` once it is acknowledged or given up. */
  find(id: number): { readonly index: number; readonly device: string | undefined } | undefined {
    return this.#inFlight.get(id);
  }

  /**
   * Takes a chunk that the broker passed on to a publisher that joined. If another publisher sent it, that one answers what
   * waits: devices that still lack something afterwards ask again.
   *
   * @param isForAll - `true` if it came on the image's topic.
   */
  hear(index: number, isForAll: boolean, now: number): void {
    if (index >= this.#options.chunkCount || this.#turn?.hear(index) !== true) return;
    if (isForAll) this.#recordSent(index, now);
    this.#interrupted = true;
    this.#union.clear();
    for (const [device, count] of this.#answers.clear()) {
      const entry = this.#ledger.find(device);
      if (entry !== undefined) entry.credit += count;
    }
  }

  /** Records that a publish was acknowledged, or has left. Ignores ids of other publishes. */
  drained(id: number): void {
    this.#inFlight.delete(id);
  }

  /** Takes back what was on its way when the connection was lost. It waits again, before everything else of its kind. */
  rewind(): void {
    const shared: number[] = [];
    const single = new Map<string, number[]>();
    for (const { index, device } of this.#inFlight.values()) {
      if (device === undefined) shared.push(index);
      else single.set(device, [...(single.get(device) ?? []), index]);
    }
    this.#inFlight.clear();
    this.#turn?.disconnect();
    this.#sent.settle();
    for (const [device, lost] of single) this.#answers.add(device, lost);
    this.#interrupted ||= this.#union.running || shared.length > 0;
    this.#union.rewind(shared);
  }

  #recordSent(index: number, now: number): void {
    this.#sent.record(index, now);
    this.#growth.sent(this.#messageSizeOf(index), now);
  }

  #messageSizeOf(index: number): number {
    return CHUNK_HEADER_SIZE + chunkSizeAt(index, this.#options.sizeBytes);
  }

  /**
   * Returns the part of a request that a round answers. Without a pace, the window alone keeps chunks from queuing at the
   * broker, where an offer or a withdrawal would wait behind them.
   */
  #withinWindow(ranges: readonly ChunkRange[], window: number): readonly ChunkRange[] {
    if (this.#options.rate > 0) return ranges;
    const chunks = chooseUnicast(ranges, window || WINDOW_UNNAMED).sort((left, right) => left - right);
    return chunks.map((index) => [index, 1]);
  }

  #isFarBehind(lacking: number, now: number): boolean {
    if (now >= this.#threshold.computedAt + THRESHOLD_MS)
      this.#threshold = { lacking: this.#ledger.outlierThreshold(), computedAt: now };
    return lacking >= this.#threshold.lacking;
  }

  /** Answers a device alone with what no round is about to send: that reaches it on the image's topic. */
  #answerOpen(entry: DeviceEntry, ranges: readonly ChunkRange[], limit: number, now: number): RequestResult {
    const open = this.#union.notPending(ranges);
    return open.length === 0 ? "merged" : this.#answer(entry, open, limit, now);
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
    return paid.length === chunks.length ? "taken" : this.#giveFreeRange(entry, chunks.slice(paid.length), limit, now);
  }

  /** Gives a device without credit the first range of the chunks it was refused, once a minute. */
  #giveFreeRange(entry: DeviceEntry, refused: readonly number[], limit: number, now: number): RequestResult {
    entry.lastFreeChunkAt ??= now;
    if (now - entry.lastFreeChunkAt < FREE_RANGE_MS) return "no-credit";
    if (!this.#answers.hasRoom(entry.device)) return "too-many-devices";
    entry.lastFreeChunkAt = now;
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
  const second = Math.max(1, Math.floor(rate / MESSAGE_SIZE));
  return rate === 0 ? window : Math.min(window, second);
}
