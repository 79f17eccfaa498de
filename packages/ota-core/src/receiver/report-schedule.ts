import type { OtaErrorCode } from "../errors.ts";
import type { DeviceState } from "../messages/state-report.ts";

/** The part of a report whose change is reported at once. */
export interface ReportKey {
  readonly state: DeviceState;
  readonly offer: string | undefined;
  readonly error: { readonly code: OtaErrorCode } | undefined;
  readonly accepted: readonly [epoch: number, sequence: number];
  /** Epoch of the key set. */
  readonly keySet: number | undefined;
  /** The device knows the time. */
  readonly hasClock: boolean;
  /** Of the running download; `undefined` without one. */
  readonly download: { readonly isStalled: boolean } | undefined;
}

/** Decides when a device reports: changes at once, progress at most once per interval. Times are those of the events. */
export class ReportSchedule {
  readonly #intervalMs: number;
  #last: ReportKey | undefined;
  #reportedAt = Number.NEGATIVE_INFINITY;
  #isTimerSet = false;

  /** @param intervalMs - Shortest time between two reports of progress, in milliseconds. */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Returns `true` if the last report said something else. */
  isNews({ state, offer, error, accepted, keySet, hasClock, download }: ReportKey): boolean {
    const last = this.#last;
    return !(
      last !== undefined &&
      last.state === state &&
      last.offer === offer &&
      last.error?.code === error?.code &&
      last.keySet === keySet &&
      last.hasClock === hasClock &&
      (last.download?.isStalled ?? false) === (download?.isStalled ?? false) &&
      last.accepted[0] === accepted[0] &&
      last.accepted[1] === accepted[1]
    );
  }

  /** Records that a report was sent. */
  sent({ state, offer, error, accepted, keySet, hasClock, download }: ReportKey, now: number): void {
    const isStalled = download?.isStalled ?? false;
    this.#last = { state, offer, error, accepted, keySet, hasClock, download: { isStalled } };
    this.#reportedAt = now;
  }

  /**
   * Decides when to report progress.
   *
   * @returns `now` if a report is due, a time to set a timer for, or `undefined` while such a timer runs.
   */
  progressAt(now: number): number | undefined {
    if (this.#isTimerSet) return undefined;
    const due = this.#reportedAt + this.#intervalMs;
    if (now >= due) return now;
    this.#isTimerSet = true;
    return due;
  }

  /** Records that the timer fired. */
  timerFired(): void {
    this.#isTimerSet = false;
  }
}
