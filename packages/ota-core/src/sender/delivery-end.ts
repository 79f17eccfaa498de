import type { DeviceState } from "../messages/state-report.ts";
import type { DeviceVerdict, LedgerCounts } from "./device-ledger.ts";
import type { DeliveryOutcome } from "./sender-events.ts";

/**
 * What a delivery waits for: that each device confirms, that each has the image, nothing, or that it is cancelled. A
 * delivery that waits to be cancelled has no time limit: somebody else decides when it is over.
 */
export type DeliveryWait = "confirmed" | "downloaded" | "none" | "cancelled";

/** Time for which others may still appear after the latest device was first heard, if no number is expected, in milliseconds. */
export const SETTLE_MS = 2_000;

/** Result of {@link endOf}. */
export type DeliveryEnd =
  | { readonly type: "over"; readonly reason: DeliveryOutcome["reason"] }
  /** Over at this time, unless another device appears before. */
  | { readonly type: "settling"; readonly until: number }
  | { readonly type: "going-on" };

/** Returns what a reported state means for a delivery; `undefined` if it goes on. */
export function verdictOf(state: DeviceState, wait: DeliveryWait): DeviceVerdict | undefined {
  if (state === "rejected" || state === "failed" || state === "rolled-back") return "failed";
  if (state === "confirmed") return "ok";
  if (wait !== "downloaded") return undefined;
  return state === "ready-to-reboot" || state === "pending-verify" ? "ok" : undefined;
}

/** Input of {@link endOf}. */
export interface DeliveryStanding {
  readonly counts: LedgerCounts;
  /** Number of devices that the delivery waits for by name. */
  readonly named: number;
  /** Number of devices that the delivery waits for without names; `undefined` if none is expected. */
  readonly count: number | undefined;
  /** When the latest device was first heard under the offer. */
  readonly newestAt: number;
}

/**
 * Decides whether a delivery is over. It is over when every named device ended; without names, when the expected number
 * ended; without a number, when all devices heard under the offer ended and no new one appeared for {@link SETTLE_MS}.
 *
 * The reason is `no-device` if no device reported under the offer, and `device-failed` if one that it waits for failed.
 */
export function endOf({ counts, named, count, newestAt }: DeliveryStanding, now: number): DeliveryEnd {
  if (named > 0) return counts.namedEnded < named ? { type: "going-on" } : over(counts, counts.namedFailed);
  if (count !== undefined) return counts.ended < count ? { type: "going-on" } : over(counts, counts.failed);
  if (counts.heard === 0 || counts.ended < counts.heard) return { type: "going-on" };
  const until = newestAt + SETTLE_MS;
  return now < until ? { type: "settling", until } : over(counts, counts.failed);
}

function over(counts: LedgerCounts, failed: number): DeliveryEnd {
  if (counts.heard === 0) return { type: "over", reason: "no-device" };
  return { type: "over", reason: failed > 0 ? "device-failed" : "delivered" };
}
