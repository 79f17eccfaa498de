import type { OtaErrorCode } from "../errors.ts";
import type { DeviceState } from "../messages/state-report.ts";

/** All of a report that is worth a new one at once. */
export interface ReportKey {
  readonly state: DeviceState;
  readonly offer: string | undefined;
  readonly errorCode: OtaErrorCode | undefined;
  readonly accepted: readonly [epoch: number, sequence: number];
  /** Epoch of the key set. */
  readonly keySet: number | undefined;
}

/** When a device reports: what changed at once, progress at most once per interval. Times are those of the events. */
export class ReportSchedule {
  readonly #intervalMs: number;
  #last: ReportKey | undefined;
  #reportedAt = Number.NEGATIVE_INFINITY;
  #isTimerSet = false;

  /** @param intervalMs - Between two reports of progress. */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Whether the last report said something else. */
  isNews({ state, offer, errorCode, accepted, keySet }: ReportKey): boolean {
    const last = this.#last;
    return !(
      last !== undefined &&
      last.state === state &&
      last.offer === offer &&
      last.errorCode === errorCode &&
      last.keySet === keySet &&
      last.accepted[0] === accepted[0] &&
      last.accepted[1] === accepted[1]
    );
  }

  /** A report went out. */
  sent(key: ReportKey, now: number): void {
    this.#last = key;
    this.#reportedAt = now;
  }

  /**
   * There is progress to tell.
   *
   * @returns `now` if it is due, a time to set a timer for, or `undefined` while such a timer runs.
   */
  progressAt(now: number): number | undefined {
    if (this.#isTimerSet) return undefined;
    const due = this.#reportedAt + this.#intervalMs;
    if (now >= due) return now;
    this.#isTimerSet = true;
    return due;
  }

  /** The timer has fired. */
  timerFired(): void {
    this.#isTimerSet = false;
  }
}
