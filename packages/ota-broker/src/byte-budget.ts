/** A limit on the bytes that all holders hold together. */
export class ByteBudget {
  /** Limit in bytes. */
  readonly sizeMax: number;
  readonly #held: Map<object, number> = new Map();
  #total = 0;

  constructor(sizeMax: number) {
    this.sizeMax = sizeMax;
  }

  /**
   * Replaces the number of bytes that a holder holds.
   *
   * @returns `false`, with nothing changed, if it is higher than before and exceeds the limit.
   */
  hold(holder: object, sizeBytes: number): boolean {
    const before = this.#held.get(holder) ?? 0;
    if (sizeBytes === before) return true;
    const total = this.#total - before + sizeBytes;
    if (sizeBytes > before && total > this.sizeMax) return false;
    this.#total = total;
    if (sizeBytes === 0) this.#held.delete(holder);
    else this.#held.set(holder, sizeBytes);
    return true;
  }
}
