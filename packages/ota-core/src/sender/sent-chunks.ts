import { Bitmap, type ChunkRange } from "../bitmap.ts";

/**
 * Order and times in which chunks were sent to all devices. A place is the number of a send, from 1; 0 means never.
 *
 * Brokers keep the order of messages on a topic (MQTT 3.1.1, section 4.6). So a device that has a chunk has seen, or lost,
 * every chunk in an earlier place.
 */
export class SentChunks {
  readonly chunkCount: number;
  readonly #last: Float64Array;
  readonly #before: Float64Array;
  readonly #sentAt: Float64Array;
  #place = 0;
  #settledUntil = 0;
  #seenUntil = 0;

  /** @param chunkCount - Number of chunks of the image. */
  constructor(chunkCount: number) {
    this.chunkCount = chunkCount;
    this.#last = new Float64Array(chunkCount);
    this.#before = new Float64Array(chunkCount);
    this.#sentAt = new Float64Array(chunkCount).fill(Number.NEGATIVE_INFINITY);
  }

  /** Place of the latest send of any chunk. */
  get place(): number {
    return this.#place;
  }

  /** Place up to which any device has seen what was sent. What was sent later may be on its way to all. */
  get seenUntil(): number {
    return this.#seenUntil;
  }

  /** Records that a device has seen what was sent up to a place. */
  seen(place: number): void {
    this.#seenUntil = Math.max(this.#seenUntil, place);
  }

  /** Records that a chunk is sent. */
  record(index: number, now: number): void {
    this.#before[index] = this.placeOf(index);
    this.#last[index] = ++this.#place;
    this.#sentAt[index] = now;
  }

  /** Place up to which nothing is on its way any more. */
  get settledUntil(): number {
    return this.#settledUntil;
  }

  /** Records that nothing is on its way: the connection was lost, and perhaps the broker with its queues. */
  settle(): void {
    this.#settledUntil = this.#place;
  }

  /** Returns the place in which a chunk was last sent. */
  placeOf(index: number): number {
    return this.#last[index] ?? 0;
  }

  /** Returns the earlier of the last two places in which a chunk was sent that lies after `after`. */
  firstPlaceAfter(index: number, after: number): number {
    const before = this.#before[index] ?? 0;
    return before > after ? before : this.placeOf(index);
  }

  /**
   * Returns ranges without the chunks that were sent after a time and may be on their way. If there are such chunks, also
   * without chunk 0: a device can't use it before them.
   */
  without(ranges: readonly ChunkRange[], sentAfter: number): ChunkRange[] {
    const rest = new Bitmap(this.chunkCount);
    let isWhole = true;
    for (const [first, count] of ranges) {
      for (let index = first; index < first + count; index++) {
        const isOnItsWay = this.placeOf(index) > this.#settledUntil && (this.#sentAt[index] ?? 0) > sentAfter;
        if (isOnItsWay) isWhole = false;
        else rest.add(index);
      }
    }
    if (!isWhole) rest.delete(0);
    return rest.ranges();
  }

  /** Returns the time since a chunk was last sent, in milliseconds. */
  ageOf(index: number, now: number): number {
    return now - (this.#sentAt[index] ?? Number.NEGATIVE_INFINITY);
  }
}
