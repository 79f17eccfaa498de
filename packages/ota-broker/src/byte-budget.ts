/** How many bytes many holders may hold together. */
export class ByteBudget {
  readonly sizeMax: number;
  readonly #held: Map<object, number> = new Map();
  #total = 0;

  constructor(sizeMax: number) {
    this.sizeMax = sizeMax;
  }

  /**
   * Notes how much a holder holds now, in place of what it held before.
   *
   * @returns `false`, and nothing noted, if it is more than before and there is no room for it.
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
