/** Bytes that a retained message takes besides topic and payload, about. */
const OVERHEAD = 512;

interface Kept {
  readonly owner: string;
  readonly size: number;
}

/** Counts what the retained messages of a broker take, all together and for each client that published them. */
export class RetainedMessages {
  readonly #sizeMax: number;
  readonly #kept: Map<string, Kept> = new Map();
  readonly #shares: Map<string, number> = new Map();
  #total = 0;

  /** @param sizeMax - Bytes that all may take together. */
  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  /**
   * Notes that a message will be retained in place of the one before it on its topic, or be no more if it is empty.
   *
   * @param owner - Publisher of the message. The message that it replaces no longer counts for its own publisher.
   * @param shareMax - Bytes that the owner's messages may take together.
   * @returns `false`, with nothing noted, if there is no room for it.
   */
  put(topic: string, payloadSize: number, owner: string, shareMax: number): boolean {
    const before = this.#kept.get(topic);
    const size = payloadSize === 0 ? 0 : OVERHEAD + 2 * topic.length + payloadSize;
    const growth = size - (before?.size ?? 0);
    const share = (this.#shares.get(owner) ?? 0) + size - (before?.owner === owner ? before.size : 0);
    if (size > 0 && growth > 0 && this.#total + growth > this.#sizeMax) return false;
    if (size > 0 && share > shareMax && (before?.owner !== owner || growth > 0)) return false;
    this.#total += growth;
    if (before !== undefined) this.#addToShare(before.owner, -before.size);
    this.#addToShare(owner, size);
    if (size === 0) this.#kept.delete(topic);
    else this.#kept.set(topic, { owner, size });
    return true;
  }

  #addToShare(owner: string, bytes: number): void {
    const share = (this.#shares.get(owner) ?? 0) + bytes;
    if (share === 0) this.#shares.delete(owner);
    else this.#shares.set(owner, share);
  }
}
