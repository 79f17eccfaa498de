import { CHUNK_HEADER_SIZE, CHUNK_SIZE } from "@tinybms/ota-core";
import { BrokenInvariant } from "./invariants.ts";

/** Bytes of a chunk message, and of those that may leave at once after a pause. */
const MESSAGE_BYTES = CHUNK_HEADER_SIZE + CHUNK_SIZE;
const BURST_BYTES = 4 * MESSAGE_BYTES;

/** What rounding may add, in milliseconds and in bytes. */
const ROUNDING = 1;

/** The pace that a publisher was given. */
export interface GivenPace {
  /** Bytes per second; 0 means no limit. */
  readonly rate: number;
  /** Returns `true` as long as nothing may slow the publisher. */
  readonly hasFullPace: () => boolean;
}

/** Checks which chunks a publisher sends, and when. */
export class ChunkWatch {
  readonly #pace: GivenPace;
  /** How often each chunk may still be sent. */
  readonly #due: Map<number, number> = new Map();
  #tokens = BURST_BYTES;
  #refilledAt = 0;

  constructor(pace: GivenPace) {
    this.#pace = pace;
  }

  /** Takes that a chunk was asked for, or that it was on its way when the connection was lost. */
  due(index: number): void {
    this.#due.set(index, (this.#due.get(index) ?? 0) + 1);
  }

  /** Takes a chunk that is sent. @throws BrokenInvariant */
  sent(index: number, bytes: number, now: number): void {
    const due = this.#due.get(index) ?? 0;
    if (due === 0) throw new BrokenInvariant("asked", `chunk ${index} is sent once more than it was asked for`);
    this.#due.set(index, due - 1);
    const { rate } = this.#pace;
    if (rate === 0) return;
    this.#tokens = Math.min(BURST_BYTES, this.#tokens + ((now - this.#refilledAt) * rate) / 1_000) - bytes;
    this.#refilledAt = now;
    if (this.#tokens < -ROUNDING)
      throw new BrokenInvariant("paced", `${Math.round(-this.#tokens)} bytes left too early`);
  }

  /** Takes that the publisher waits for its pace. @throws BrokenInvariant */
  waits(waitMs: number): void {
    const { rate, hasFullPace } = this.#pace;
    const limit = rate === 0 ? 0 : (MESSAGE_BYTES * 1_000) / rate + ROUNDING;
    if (waitMs <= limit || !hasFullPace()) return;
    throw new BrokenInvariant(
      "paced",
      `the next chunk waits ${Math.round(waitMs)} ms for a pace that no loss explains`,
    );
  }
}
