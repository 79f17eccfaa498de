import type { ChunkRange } from "../bitmap.ts";

/** The most chunks that one answer on a device's own topic holds, whatever window the device names. */
export const UNICAST_CHUNKS_MAX = 64;

/** The most devices that wait for an answer on their own topic; the others ask again. */
export const UNICAST_ANSWERS_MAX = 1024;

/**
 * Answers that go to single devices, first come first served; one per device, bounded in number and in size.
 */
export class UnicastAnswers {
  /** Chunks that are still to be sent, by device, in the order in which devices asked. */
  readonly #chunks = new Map<string, number[]>();

  /** Whether nobody waits. */
  get empty(): boolean {
    return this.#chunks.size === 0;
  }

  /** Whether an answer to `device` can be taken. */
  hasRoom(device: string): boolean {
    return this.#chunks.has(device) || this.#chunks.size < UNICAST_ANSWERS_MAX;
  }

  /** How many chunks `device` still waits for. */
  waiting(device: string): number {
    return this.#chunks.get(device)?.length ?? 0;
  }

  /**
   * Puts an answer in the place of the one that the device still waits for.
   *
   * @param chunks - At least one, in the order in which they are sent.
   */
  put(device: string, chunks: readonly number[]): void {
    if (chunks.length > 0) this.#chunks.set(device, chunks.slice(0, UNICAST_CHUNKS_MAX));
  }

  /** The device and chunk that come next. */
  peek(): { readonly device: string; readonly index: number } | undefined {
    const [first] = this.#chunks;
    const index = first?.[1][0];
    return first === undefined || index === undefined ? undefined : { device: first[0], index };
  }

  /** Takes what {@link peek} named. */
  take(): void {
    const [first] = this.#chunks;
    if (first === undefined) return;
    first[1].shift();
    if (first[1].length === 0) this.#chunks.delete(first[0]);
  }

  /** Adds chunks to those the device still waits for: ascending, chunk 0 last. Without room, they are left out. */
  add(device: string, more: readonly number[]): void {
    if (!this.hasRoom(device)) return;
    const chunks = new Set([...more, ...(this.#chunks.get(device) ?? [])]);
    const last = chunks.delete(0) ? [0] : [];
    const ordered = [...[...chunks].sort((left, right) => left - right), ...last];
    this.#chunks.set(device, ordered.slice(0, UNICAST_CHUNKS_MAX));
  }
}

/**
 * Which chunks an answer to one device holds: the lowest first, chunk 0 last and only with everything else, because a
 * device writes it last.
 *
 * @param ranges - What the device lacks, ascending and apart.
 * @param limit - The most chunks.
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
