import type { DeviceLedger } from "./device-ledger.ts";
import type { Lag } from "./judge-request.ts";

/** Minimum number of devices for which growth says something. */
const DEVICES_MIN = 8;

/** Minimum time between two looks at the fleet, in milliseconds: each visits every device. */
const LOOK_MS = 250;

/** Maximum time between two looks that says when the fleet grew, in milliseconds. */
const LOOK_MAX_MS = 30_000;

/** Time for which the fleet counts as growing, in milliseconds: devices ask within 3 s after the last useful chunk. */
const GROWING_MS = 3_000;

/**
 * Time for which a chunk may be on its way, in milliseconds: at least; to a device that still receives, or if no device has seen
 * a later one; and while the fleet grows. A fleet behind a slow broker receives over minutes what was sent in twenty seconds.
 */
const LAG_MS = 1_000;
const LAG_RECEIVING_MS = 30_000;
const LAG_GROWING_MS = 120_000;

/** The same without a pace, where devices ask at once when their window is used up. */
const LAG_GROWING_UNPACED_MS = 3_000;

/** Bytes per millisecond that a broker on a small machine passes on to all devices together. */
const BROKER_BYTES_PER_MS = 50_000;

/** Maximum time for which a round waits for a fleet that grows, in milliseconds. */
const HOLD_MAX_MS = 120_000;

/** Watches whether the median device still receives chunks. If it does, what devices lack may be on its way. */
export class FleetGrowth {
  readonly #ledger: DeviceLedger;
  readonly #isPaced: boolean;
  #heldSince: number | undefined;
  #median = Number.POSITIVE_INFINITY;
  #grewAt = Number.NEGATIVE_INFINITY;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** When the broker has passed on to all devices what was sent. */
  #passedOnAt = Number.NEGATIVE_INFINITY;

  /** @param isPaced - `true` if chunks keep to a rate. */
  constructor(ledger: DeviceLedger, isPaced: boolean) {
    this.#ledger = ledger;
    this.#isPaced = isPaced;
  }

  /** Looks at the fleet, unless it did a moment ago. */
  look(now: number): void {
    if (now < this.#lookedAt + LOOK_MS || this.#ledger.known < DEVICES_MIN) return;
    // After a long silence, nobody knows when the fleet grew.
    const isRecent = now < this.#lookedAt + LOOK_MAX_MS;
    this.#lookedAt = now;
    const median = this.#ledger.medianLacking();
    if (median === undefined) return;
    if (isRecent && median < this.#median && Number.isFinite(this.#median)) this.#grewAt = now;
    this.#median = median;
  }

  /**
   * Returns the time for which a chunk may be on its way to a device.
   *
   * @param hasProgressed - `true` if the device received a chunk since its request before. Devices that were stopped, or cut
   *   off, ask before they read what has come meanwhile.
   */
  lag(hasProgressed: boolean, now: number): Lag {
    const isGrowing = now < this.#growsUntil;
    if (!this.#isPaced) return both(Math.max(isGrowing ? LAG_GROWING_UNPACED_MS : 0, this.lagMin(now)));
    if (isGrowing) return both(LAG_GROWING_MS);
    if (this.#ledger.known < DEVICES_MIN) return both(LAG_MS);
    return { ofDeviceMs: hasProgressed ? LAG_RECEIVING_MS : LAG_MS, ofAllMs: LAG_RECEIVING_MS };
  }

  /** Returns the time for which a chunk may be on its way to any device. */
  lagMin(now: number): number {
    return now < this.#passedOnAt ? LAG_GROWING_MS : LAG_MS;
  }

  /**
   * Records a chunk that is sent to all. Without a pace, chunks leave at once, and the broker takes its time to pass them on.
   *
   * @param bytes - Size of the message.
   */
  sent(bytes: number, now: number): void {
    if (this.#isPaced) return;
    const passedOnAt = Math.max(now, this.#passedOnAt) + (bytes * this.#ledger.known) / BROKER_BYTES_PER_MS;
    this.#passedOnAt = Math.min(passedOnAt, now + LAG_GROWING_MS);
  }

  /** Returns when the next round may begin: at a pace, not while the fleet grows. `now` if it may begin at once. */
  roundReadyAt(now: number): number {
    const until = this.#isPaced ? this.#growsUntil : now;
    if (until <= now) return now;
    this.#heldSince ??= now;
    return Math.max(now, Math.min(until, this.#heldSince + HOLD_MAX_MS));
  }

  /** Records that a round begins. */
  roundBegan(): void {
    this.#heldSince = undefined;
  }

  /** When the fleet stops to count as growing unless it grows again. In the past if it does not grow. */
  get #growsUntil(): number {
    return this.#grewAt + GROWING_MS;
  }
}

function both(ms: number): Lag {
  return { ofDeviceMs: ms, ofAllMs: ms };
}
