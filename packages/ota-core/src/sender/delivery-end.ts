import type { DeviceState } from "../messages/state-report.ts";
import type { DeviceVerdict, LedgerCounts } from "./device-ledger.ts";
import type { DeliveryOutcome } from "./sender-events.ts";

/** What a delivery waits for: each device confirms, each has the image, or nothing at all. */
export type DeliveryWait = "confirmed" | "downloaded" | "none";

/** After the first sight of the latest device, how long others may still appear when nobody said how many there are. */
export const SETTLE_MS = 2_000;

/** Whether the delivery is over, and when to look again. */
export type DeliveryEnd =
  | { readonly type: "over"; readonly reason: DeliveryOutcome["reason"] }
  /** Over at this time, unless something happens before. */
  | { readonly type: "settling"; readonly until: number }
  | { readonly type: "going-on" };

/** What a reported state means for a delivery; `undefined`: it goes on. */
export function verdictOf(state: DeviceState, wait: DeliveryWait): DeviceVerdict | undefined {
  if (state === "rejected" || state === "failed" || state === "rolled-back") return "failed";
  if (state === "confirmed") return "ok";
  if (wait !== "downloaded") return undefined;
  return state === "ready-to-reboot" || state === "pending-verify" ? "ok" : undefined;
}

/** What {@link endOf} decides by. */
export interface DeliveryStanding {
  readonly counts: LedgerCounts;
  /** How many devices are waited for by name. */
  readonly named: number;
  /** How many are waited for without names; `undefined`: nobody said. */
  readonly count: number | undefined;
  /** When a device was first heard under the offer, the latest such time. */
  readonly newestAt: number;
}

/**
 * Decides whether a delivery is over: every device waited for by name ended; else, as many ended as are waited for; else,
 * where nobody said, all that were heard under the offer ended and no new one appeared for {@link SETTLE_MS}.
 *
 * Over without a word from any device under the offer is `no-device`; with a failed one among those waited for,
 * `device-failed`.
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
