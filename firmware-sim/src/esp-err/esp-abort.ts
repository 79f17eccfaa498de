/**
 * The software under test called `abort()`, failed an `assert`, or hangs until the task watchdog bites: the device
 * resets now. Thrown by ESP-IDF functions that do so; whoever runs the device answers with a reset.
 */
export class EspAbort extends Error {
  override readonly name: string = "EspAbort";
  /** The ESP-IDF function that gave up. */
  readonly where: string;

  constructor(where: string, why: string) {
    super(`${where}: ${why}`);
    this.where = where;
  }
}
