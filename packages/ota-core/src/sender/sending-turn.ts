/** Silence of other publishers after which a publisher that joined sends: at least, and at most so much longer, in milliseconds. */
const SILENCE_MIN_MS = 3_000;
const SILENCE_RANDOM_MS = 3_000;

/** Number of gaps between two chunks at the pace that count as silence, if that is longer. */
const SILENT_GAPS = 4;

/**
 * Decides when a publisher that joined an offer may send: after none of the others has sent for a random time, although there
 * was something to send. From then on it sends without waiting, until it hears another one.
 *
 * The publisher that made the offer does not listen, and so never waits. If several that joined begin at once, they hear each
 * other, stop, and draw anew.
 */
export class SendingTurn {
  readonly #random: () => number;
  readonly #silenceMinMs: number;
  /** How often each chunk was sent and has not come back from the broker. */
  readonly #echoes: Uint32Array;
  #isOurs = false;
  #waitUntil: number | undefined;

  /**
   * @param random - Returns a number from 0 (inclusive) to 1 (exclusive).
   * @param chunkCount - Number of chunks of the image.
   * @param gapMs - Time between two chunks at the configured rate, in milliseconds; 0 without one.
   */
  constructor(random: () => number, chunkCount: number, gapMs: number) {
    this.#random = random;
    this.#echoes = new Uint32Array(chunkCount);
    this.#silenceMinMs = Math.max(SILENCE_MIN_MS, SILENT_GAPS * gapMs);
  }

  /** Returns when this publisher may send what waits; `now` if it may at once. */
  readyAt(now: number): number {
    if (this.#isOurs) return now;
    this.#waitUntil ??= now + this.#silenceMinMs + Math.floor(this.#random() * SILENCE_RANDOM_MS);
    return Math.max(now, this.#waitUntil);
  }

  /** Records that nothing waits to be sent. */
  idle(): void {
    this.#waitUntil = undefined;
  }

  /** Records that this publisher sends a chunk. */
  sent(index: number): void {
    this.#isOurs = true;
    this.#echoes[index] = (this.#echoes[index] ?? 0) + 1;
  }

  /**
   * Takes a chunk that the broker passed on.
   *
   * @param index - Within the image.
   * @returns `true` if another publisher sent it.
   */
  hear(index: number): boolean {
    const echoes = this.#echoes[index] ?? 0;
    if (echoes > 0) {
      this.#echoes[index] = echoes - 1;
      return false;
    }
    this.#release();
    return true;
  }

  /** Records that the connection was lost: what was sent does not come back, and another one may have begun. */
  disconnect(): void {
    this.#echoes.fill(0);
    this.#release();
  }

  #release(): void {
    this.#isOurs = false;
    this.#waitUntil = undefined;
  }
}
