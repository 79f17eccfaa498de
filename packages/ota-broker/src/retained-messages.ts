/** Approximate memory of a retained message besides topic and payload, in bytes. */
const OVERHEAD = 512;

interface Kept {
  readonly owner: string;
  readonly size: number;
}

/** Counts the memory of a broker's retained messages, in total and for each publisher. */
export class RetainedMessages {
  readonly #sizeMax: number;
  readonly #kept: Map<string, Kept> = new Map();
  readonly #shares: Map<string, number> = new Map();
  #total = 0;

  /** @param sizeMax - Maximum total size, in bytes. */
  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  /**
   * Records that a message replaces the retained message of its topic; an empty one removes it.
   *
   * @param owner - Publisher of the message. The replaced message no longer counts for its own publisher.
   * @param shareMax - Maximum total size of the owner's messages, in bytes.
   * @returns `false`, with nothing recorded, if it exceeds a limit.
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
