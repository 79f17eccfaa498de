/** Bytes that a retained message takes besides topic and payload, about. */
const OVERHEAD = 512;

/** What the retained messages of a broker take together, kept below a limit. */
export class RetainedMessages {
  readonly #sizeMax: number;
  readonly #sizes: Map<string, number> = new Map();
  #total = 0;

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  /**
   * Notes that a message will be retained in place of the one before it on its topic, or be no more if it is empty.
   *
   * @returns `false`, and nothing noted, where there is no room for it.
   */
  put(topic: string, payloadSize: number): boolean {
    const before = this.#sizes.get(topic) ?? 0;
    const size = payloadSize === 0 ? 0 : OVERHEAD + 2 * topic.length + payloadSize;
    if (size > before && this.#total - before + size > this.#sizeMax) return false;
    this.#total += size - before;
    if (size === 0) this.#sizes.delete(topic);
    else this.#sizes.set(topic, size);
    return true;
  }
}
