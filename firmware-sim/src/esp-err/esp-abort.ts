/**
 * Signals that the software under test called `abort()`, failed an `assert`, or hangs until the task watchdog fires.
 * The simulated device catches it and resets.
 */
export class EspAbort extends Error {
  override readonly name: string = "EspAbort";
  /** Name of the ESP-IDF function that aborted. */
  readonly where: string;

  constructor(where: string, why: string) {
    super(`${where}: ${why}`);
    this.where = where;
  }
}
