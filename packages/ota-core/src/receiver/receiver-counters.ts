import type { OtaErrorCode } from "../errors.ts";
import type { StateReport } from "../schemas/types.generated.ts";
import type { DropReason, ReceiverStats } from "./receiver-events.ts";

/** What a receiver counts, from boot on. */
export class ReceiverCounters {
  chunksReceived = 0;
  chunksUseful = 0;
  /** Of downloads that have ended. */
  requests = 0;
  readonly #dropped: Partial<Record<DropReason, number>> = {};
  #refused: StateReport["refused"];

  /** What was refused: how many, and the code of the last; `undefined` where nothing was. */
  get refused(): StateReport["refused"] {
    return this.#refused;
  }

  drop(reason: DropReason): void {
    this.#dropped[reason] = (this.#dropped[reason] ?? 0) + 1;
  }

  /** Told with the next report; by itself it is worth none. */
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
