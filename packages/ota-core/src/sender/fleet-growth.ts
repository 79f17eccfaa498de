import type { DeviceLedger } from "./device-ledger.ts";

/** Minimum number of devices for which growth says something. */
const DEVICES_MIN = 8;

/** Minimum time between two looks at the fleet, in milliseconds: each visits every device. */
const LOOK_MS = 250;

/** Time for which the fleet counts as growing, in milliseconds: devices ask within 3 s after the last useful chunk. */
const GROWING_MS = 3_000;

/** Watches whether the median device still receives chunks. If it does, what devices lack may be on its way. */
export class FleetGrowth {
  readonly #ledger: DeviceLedger;
  #median = Number.POSITIVE_INFINITY;
  #grewAt = Number.NEGATIVE_INFINITY;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(ledger: DeviceLedger) {
    this.#ledger = ledger;
  }

  /** Looks at the fleet, unless it did a moment ago. */
  look(now: number): void {
    if (now < this.#lookedAt + LOOK_MS || this.#ledger.known < DEVICES_MIN) return;
    this.#lookedAt = now;
    const median = this.#ledger.medianLacking();
    if (median === undefined) return;
    if (median < this.#median && Number.isFinite(this.#median)) this.#grewAt = now;
    this.#median = median;
  }

  /** Returns when the fleet stops to count as growing unless it grows again. In the past if it does not grow. */
  get growsUntil(): number {
    return this.#grewAt + GROWING_MS;
  }
}
