import { assert } from "../assert.ts";
import { Bitmap, type ChunkRange } from "../bitmap.ts";

/** Account that pays for chunks. `credit` is in chunks. */
export interface Account {
  credit: number;
}

/** Part of a chunk's price that the second device to ask for it takes over. */
const SHARE = 0.5;

/** Payer of a chunk that several asked for, or that is paid for. */
const SHARED = Symbol("shared");

/**
 * Union of the chunks that devices lack. A round sends each chunk once, ascending and chunk 0 last, however many asked.
 *
 * Outside a round, requests gather. During a round they join it for chunks that it has not passed; the others wait for the
 * next round. A device that waits for some of those can't use chunk 0 of this round, so it gets it in the next.
 *
 * A chunk is paid from the account of the device that asked first. The next one takes over half, as far as it can pay: for
 * others it is free. So all sends together never cost more than devices have.
 */
export class RequestUnion {
  /** Chunks that the round still has to send, or that gather for it. */
  #ahead: Bitmap;
  /** Chunks that wait for the next round. */
  #behind: Bitmap;
  /** Payer of each chunk. Valid only for pending chunks. */
  readonly #payers: (Account | typeof SHARED | undefined)[];
  #running = false;
  /** The chunk sent last in this round. Chunk 0 comes last, so that nothing passes it. */
  #position = 0;
  #sent = 0;

  /** @param chunkCount - Number of chunks of the image, at least one. */
  constructor(chunkCount: number) {
    assert(chunkCount > 0, "an image has a chunk");
    this.#ahead = new Bitmap(chunkCount);
    this.#behind = new Bitmap(chunkCount);
    this.#payers = Array.from({ length: chunkCount }, () => undefined);
  }

  /** `true` while a round is being sent. */
  get running(): boolean {
    return this.#running;
  }

  /** Number of chunks that wait for this round or the next. */
  get pending(): number {
    return this.#ahead.count + this.#behind.count;
  }

  /** Returns the part of ranges that waits for neither this round nor the next. */
  notPending(ranges: readonly ChunkRange[]): ChunkRange[] {
    const open = new Bitmap(this.#ahead.size);
    for (const [first, count] of ranges) {
      for (let index = first; index < first + count; index++) {
        if (!this.#ahead.has(index) && !this.#behind.has(index)) open.add(index);
      }
    }
    return open.ranges();
  }

  /** Number of chunks that the current round has sent, or the last one if none runs. */
  get sent(): number {
    return this.#sent;
  }

  /**
   * Adds the chunks that one device lacks.
   *
   * @param account - Pays for chunks that nobody else waits for.
   * @param ranges - As {@link clipRanges} makes them.
   * @returns The chunks, ascending, that the account could not pay for.
   */
  ask(account: Account, ranges: readonly ChunkRange[]): number[] {
    const refused: number[] = [];
    let late = false;
    for (const [first, count] of ranges) {
      for (let index = Math.max(1, first); index < first + count; index++) {
        const passed = this.#running && index <= this.#position;
        if (!this.#add(passed ? this.#behind : this.#ahead, index, account)) refused.push(index);
        late ||= passed;
      }
    }
    if (ranges[0]?.[0] !== 0) return refused;
    if (!this.#add(late ? this.#behind : this.#ahead, 0, account)) refused.unshift(0);
    return refused;
  }

  /** Begins a round with the chunks that have gathered. Call it only while no round runs. */
  start(): void {
    assert(!this.#running, "one round at a time");
    this.#running = this.#ahead.count > 0;
    this.#position = 0;
    this.#sent = 0;
  }

  /** Returns the next chunk of the round, or `undefined` if none runs. */
  peek(): number | undefined {
    if (!this.#running) return undefined;
    return this.#ahead.next(this.#position + 1) ?? this.#ahead.next(0);
  }

  /** Takes the chunk that {@link RequestUnion.peek} returned. The last one ends the round, and what waited begins to gather. */
  take(): number {
    const index = this.peek();
    assert(index !== undefined, "a round has a chunk left");
    this.#ahead.delete(index);
    this.#payers[index] = this.#behind.has(index) ? SHARED : undefined;
    this.#position = index;
    this.#sent++;
    if (this.#ahead.count === 0) {
      this.#running = false;
      [this.#ahead, this.#behind] = [this.#behind, this.#ahead];
    }
    return index;
  }

  /**
   * Ends the round and gathers again what it had left, what waited, and chunks that were sent without effect.
   *
   * @param lost - Chunks that were on their way when the connection was lost. They are paid for.
   */
  rewind(lost: Iterable<number>): void {
    for (const index of lost) {
      this.#ahead.add(index);
      this.#payers[index] = SHARED;
    }
    for (let index = this.#behind.next(0); index !== undefined; index = this.#behind.next(index + 1)) {
      this.#ahead.add(index);
    }
    this.#behind.clear();
    this.#running = false;
  }

  /** Ends the round and forgets what waits. Accounts get back what they paid for it. */
  clear(): void {
    for (const bitmap of [this.#ahead, this.#behind]) {
      for (let index = bitmap.next(0); index !== undefined; index = bitmap.next(index + 1)) {
        const payer = this.#payers[index];
        if (payer !== undefined && payer !== SHARED) payer.credit++;
        this.#payers[index] = undefined;
      }
      bitmap.clear();
    }
    this.#running = false;
  }

  /** @returns `true` if the chunk is pending now. */
  #add(bitmap: Bitmap, index: number, account: Account): boolean {
    const payer = this.#payers[index];
    if (bitmap.has(index)) {
      if (payer === account || payer === SHARED || payer === undefined) return true;
      const share = Math.min(SHARE, account.credit);
      account.credit -= share;
      payer.credit += share;
      this.#payers[index] = SHARED;
      return true;
    }
    if (account.credit < 1) return false;
    account.credit--;
    bitmap.add(index);
    // Chunk 0 alone can wait in both: two paid, and neither payment is returned.
    this.#payers[index] = payer === undefined ? account : SHARED;
    return true;
  }
}

/**
 * Returns the part of requested ranges that lies within the image, ascending and apart. Leaves out what overlaps or steps
 * back, so that the ranges never hold more than the image.
 *
 * @param ranges - Ranges of a request, in chunks.
 * @param chunkCount - Chunks of the image.
 */
export function clipRanges(ranges: readonly ChunkRange[], chunkCount: number): ChunkRange[] {
  const clipped: ChunkRange[] = [];
  let from = 0;
  for (const [first, count] of ranges) {
    const begin = Math.max(from, first);
    const end = Math.min(first + count, chunkCount);
    if (begin >= end) continue;
    clipped.push([begin, end - begin]);
    from = end;
  }
  return clipped;
}
