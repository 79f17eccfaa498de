import type { OtaErrorCode } from "../errors.ts";
import type { StateReport } from "../schemas/types.generated.ts";
import type { DropReason, ReceiverStats } from "./receiver-events.ts";

/** Counters of a receiver since boot. */
export class ReceiverCounters {
  chunksReceived = 0;
  chunksUseful = 0;
  /** Of downloads that have ended. */
  requests = 0;
  readonly #dropped: Partial<Record<DropReason, number>> = {};
  #refused: StateReport["refused"];

  /** Number of refusals, and the code of the last one; `undefined` without any. */
  get refused(): StateReport["refused"] {
    return this.#refused;
  }

  drop(reason: DropReason): void {
    this.#dropped[reason] = (this.#dropped[reason] ?? 0) + 1;
  }

  /** Counts a refusal. The next report says so; a refusal alone causes no report. */
  refuse(reason: DropReason, code: OtaErrorCode): void {
    this.drop(reason);
    this.#refused = { count: (this.#refused?.count ?? 0) + 1, code };
  }

  /** @param requests - Of the download at hand. */
  stats(requests: number): ReceiverStats {
    const { chunksReceived, chunksUseful } = this;
    return { chunksReceived, chunksUseful, requests: this.requests + requests, dropped: { ...this.#dropped } };
  }
}
