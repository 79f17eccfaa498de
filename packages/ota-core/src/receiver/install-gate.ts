import type { OfferDocument } from "../messages/offer.ts";
import { nextInstallTime } from "./install-time.ts";

/** Longest time for which a device relies on its clock before it looks again, in milliseconds. */
const LOOK_AGAIN_MS = 3_600_000;

/** How long a device waits to learn the time if the offer does not insist on it, in milliseconds. */
const CLOCK_WAIT_MS = 60_000;

/** What decides whether a verified image may be set to boot. */
export interface InstallConditions {
  /** Time of the events, in milliseconds. */
  readonly now: number;
  /** Milliseconds of UTC since 1970; `undefined` if the device does not know the time. */
  readonly utc: number | undefined;
  /** The application allows a restart. */
  readonly mayReboot: boolean;
}

/** Whether a verified image may be set to boot. */
export type InstallDecision =
  | { readonly type: "switch" }
  /** `until` is when to decide again; `undefined` if only another event can change the decision. */
  | { readonly type: "wait"; readonly until: number | undefined };

/** Returns `true` if an offer insists on a time to install, which only a device that knows the time can keep. */
export function needsClock({ critical = [], ...offer }: OfferDocument): boolean {
  return (["install_after", "between"] as const).some((name) => offer[name] !== undefined && critical.includes(name));
}

/**
 * Decides when a verified image may be set to boot: when the application allows a restart, the offer's time has come, and
 * the device has waited its part of the offer's restart spread.
 */
export class InstallGate {
  readonly #offer: OfferDocument;
  readonly #random: () => number;
  readonly #clockWaitEnds: number;
  #spreadEnds: number | undefined;

  /**
   * @param now - When the image was verified.
   * @param random - Returns a number from 0 (inclusive) to 1 (exclusive).
   */
  constructor(offer: OfferDocument, now: number, random: () => number) {
    this.#offer = offer;
    this.#random = random;
    this.#clockWaitEnds = now + CLOCK_WAIT_MS;
  }

  /** Decides. A spread that was interrupted by one of the other conditions begins again. */
  decide(conditions: InstallConditions): InstallDecision {
    const { now, mayReboot } = conditions;
    const opensAt = mayReboot ? this.#opensAt(conditions) : undefined;
    if (opensAt === undefined || opensAt > now) {
      this.#spreadEnds = undefined;
      return { type: "wait", until: opensAt };
    }
    const { restart_spread_ms: spreadMs = 0 } = this.#offer;
    this.#spreadEnds ??= now + (spreadMs === 0 ? 0 : Math.floor(this.#random() * spreadMs));
    return now < this.#spreadEnds ? { type: "wait", until: this.#spreadEnds } : { type: "switch" };
  }

  /** Returns when the offer's time has come, or when to look again; `undefined` if only a clock can tell. */
  #opensAt({ now, utc }: InstallConditions): number | undefined {
    const { install_after: after, between } = this.#offer;
    if (after === undefined && between === undefined) return now;
    if (utc !== undefined) return now + Math.min(nextInstallTime(this.#offer, utc) - utc, LOOK_AGAIN_MS);
    return needsClock(this.#offer) ? undefined : this.#clockWaitEnds;
  }
}
