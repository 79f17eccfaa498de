import type { RequestResult } from "./chunk-flow.ts";
import type { DeliveryLimit } from "./limit-clock.ts";
import type { SenderStats } from "./sender-events.ts";

/** Reason for which a message of a device is dropped. */
export type DroppedMessage = keyof SenderStats["dropped"];

/** Counters of a sender since its start. */
export class SenderCounters {
  readonly #counts = { chunksSent: 0, bytesSent: 0, requests: 0, requestsMerged: 0 };
  readonly #dropped: Record<DroppedMessage, number> = {
    malformed: 0,
    "other-image": 0,
    "no-credit": 0,
    "too-many-devices": 0,
    noisy: 0,
  };

  /** Counts a chunk message. */
  sent(bytes: number): void {
    this.#counts.chunksSent++;
    this.#counts.bytesSent += bytes;
  }

  /** Counts a request for the image. */
  request(): void {
    this.#counts.requests++;
  }

  /** Counts what became of a request. */
  answered(result: RequestResult): void {
    if (result === "merged") this.#counts.requestsMerged++;
    else if (result !== "taken") this.drop(result);
  }

  /** Counts a dropped message. */
  drop(reason: DroppedMessage): void {
    this.#dropped[reason]++;
  }

  /**
   * Returns all counters.
   *
   * @param chunkCount - Number of chunks of the image.
   * @param forgotten - Number of devices that were forgotten.
   * @param limitedMs - Time for which each limit held, in milliseconds.
   */
  stats(chunkCount: number, forgotten: number, limitedMs: Readonly<Record<DeliveryLimit, number>>): SenderStats {
    return {
      ...this.#counts,
      limitedMs: { ...limitedMs },
      dropped: { ...this.#dropped, "too-many-devices": this.#dropped["too-many-devices"] + forgotten },
      repairRatio: Math.max(0, this.#counts.chunksSent / chunkCount - 1),
    };
  }
}
