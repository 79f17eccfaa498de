import type { ChunkRange } from "../bitmap.ts";

/** Maximum number of chunks in one answer to a single device, for any window. */
export const UNICAST_CHUNKS_MAX = 64;

/** Maximum number of devices that wait for an answer of their own. The others ask again. */
export const UNICAST_ANSWERS_MAX = 1024;

/** Queue of answers to single devices, in the order of their requests. One per device, bounded in number and size. */
export class UnicastAnswers {
  /** Chunks to send, by device, in the order in which devices asked. */
  readonly #chunks = new Map<string, number[]>();

  /** `true` if no device waits. */
  get empty(): boolean {
    return this.#chunks.size === 0;
  }

  /** Returns `true` if there is room for an answer to `device`. */
  hasRoom(device: string): boolean {
    return this.#chunks.has(device) || this.#chunks.size < UNICAST_ANSWERS_MAX;
  }

  /** Returns the number of chunks that `device` waits for. */
  waiting(device: string): number {
    return this.#chunks.get(device)?.length ?? 0;
  }

  /**
   * Replaces the answer that a device waits for.
   *
   * @param chunks - At least one, in the order in which they are sent.
   */
  put(device: string, chunks: readonly number[]): void {
    if (chunks.length > 0) this.#chunks.set(device, chunks.slice(0, UNICAST_CHUNKS_MAX));
  }

  /** Returns the next device and chunk. */
  peek(): { readonly device: string; readonly index: number } | undefined {
    const [first] = this.#chunks;
    const index = first?.[1][0];
    return first === undefined || index === undefined ? undefined : { device: first[0], index };
  }

  /** Takes what {@link UnicastAnswers.peek} returned. */
  take(): void {
    const [first] = this.#chunks;
    if (first === undefined) return;
    first[1].shift();
    if (first[1].length === 0) this.#chunks.delete(first[0]);
  }

  /** Forgets all answers. Returns the number of chunks that each device waited for. */
  clear(): ReadonlyMap<string, number> {
    const counts = new Map([...this.#chunks].map(([device, chunks]) => [device, chunks.length]));
    this.#chunks.clear();
    return counts;
  }

  /** Adds chunks to those that a device waits for: ascending, chunk 0 last. Without room, leaves them out. */
  add(device: string, more: readonly number[]): void {
    if (!this.hasRoom(device)) return;
    const chunks = new Set([...more, ...(this.#chunks.get(device) ?? [])]);
    const last = chunks.delete(0) ? [0] : [];
    const ordered = [...[...chunks].sort((left, right) => left - right), ...last];
    this.#chunks.set(device, ordered.slice(0, UNICAST_CHUNKS_MAX));
  }
}

/**
 * Returns the chunks of an answer to one device: the lowest first, chunk 0 last and only together with all others, because
 * a device writes it last.
 *
 * @param ranges - Chunks that the device lacks, ascending and apart.
 * @param limit - Maximum number of chunks.
 */
export function chooseUnicast(ranges: readonly ChunkRange[], limit: number): number[] {
  const chunks: number[] = [];
  for (const [first, count] of ranges) {
    for (let index = Math.max(1, first); index < first + count; index++) {
      if (chunks.length === limit) return chunks;
      chunks.push(index);
    }
  }
  if (ranges[0]?.[0] === 0 && chunks.length < limit) chunks.push(0);
  return chunks;
}
