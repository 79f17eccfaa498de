import { sizeText } from "./size-text.ts";

/** Time over which the rate is taken, in milliseconds. */
const SPAN_MS = 10_000;

/** Minimum time between two samples, in milliseconds. */
const SAMPLE_MS = 250;

/** Rate of a transfer over the last seconds, as text for a progress line. */
export class TransferRate {
  readonly #samples: { readonly at: number; readonly bytes: number }[] = [];

  /**
   * Adds how far the transfer is. Passes over calls that come close together.
   *
   * @param bytes - Number of bytes so far.
   * @param now - Time in milliseconds.
   */
  add(bytes: number, now: number): void {
    if (now < (this.#samples.at(-1)?.at ?? Number.NEGATIVE_INFINITY) + SAMPLE_MS) return;
    this.#samples.push({ at: now, bytes });
    while ((this.#samples[1]?.at ?? now) <= now - SPAN_MS) this.#samples.shift();
  }

  /**
   * Returns rate and remaining time, such as `1.9 MB/s, 12 s left`; the empty string while nothing moves.
   *
   * @param bytesLeft - Number of bytes that are missing.
   */
  text(bytesLeft: number): string {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (first === undefined || last === undefined || last.at <= first.at) return "";
    const perSecond = ((last.bytes - first.bytes) * 1_000) / (last.at - first.at);
    if (perSecond <= 0) return "";
    const rate = `${sizeText(perSecond)}/s`;
    return bytesLeft <= 0 ? rate : `${rate}, ${Math.ceil(bytesLeft / perSecond)} s left`;
  }
}
