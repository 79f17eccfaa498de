import { timeOfUtc } from "../signing/time-floor.ts";

/** Last millisecond of the year 9999: later times have no form in ISO 8601. */
const UTC_MAX = 253_402_300_799_999;

/** What a device knows of the time of day, from the last `clock` event. */
export class DeviceClock {
  /** UTC minus the time of the events, in milliseconds. */
  #offset: number | undefined;

  /** `true` if the time is known. */
  get isSet(): boolean {
    return this.#offset !== undefined;
  }

  /**
   * Sets the clock.
   *
   * @param utc - Milliseconds since 1970. A time that is not in the years 1970 to 9999 counts as unknown.
   * @param now - Time of the event.
   */
  set(utc: number | undefined, now: number): void {
    this.#offset = utc !== undefined && Number.isSafeInteger(utc) && utc >= 0 && utc <= UTC_MAX ? utc - now : undefined;
  }

  /** Returns the time in milliseconds since 1970; `undefined` if it is unknown. */
  utcAt(now: number): number | undefined {
    return this.#offset === undefined ? undefined : this.#offset + now;
  }

  /** Returns the time as ISO 8601 in UTC to the second; `undefined` if it is unknown. */
  at(now: number): string | undefined {
    const utc = this.utcAt(now);
    return utc === undefined ? undefined : timeOfUtc(Math.min(utc, UTC_MAX));
  }
}
