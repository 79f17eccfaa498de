/** Baud rate of the ROM's log, and of apps. */
const DEFAULT_BAUD_RATE = 115_200;

/** Maximum relative difference between the two rates. */
const TOLERANCE = 0.03;

/** Baud rates of the two ends of a line. Bytes sent at another rate arrive as noise, which both ends ignore. */
export class BaudRates {
  readonly #matter: boolean;
  #board = DEFAULT_BAUD_RATE;
  #host: number | undefined;
  #isMeasuring = false;

  /** @param matter - `false` for a line without a baud rate, such as USB: its ends always agree. */
  constructor(matter: boolean) {
    this.#matter = matter;
  }

  get board(): number {
    return this.#board;
  }

  set board(baudRate: number) {
    this.#board = baudRate;
  }

  /** `undefined` means the same rate as the board. */
  set host(baudRate: number | undefined) {
    this.#host = baudRate;
  }

  get agree(): boolean {
    if (this.#host === undefined || !this.#matter) return true;
    return Math.abs(this.#host - this.#board) <= TOLERANCE * this.#board;
  }

  /**
   * Handles a reset of the board.
   *
   * @param measures - Whether its loader waits and measures the rate from the first bytes that it receives.
   */
  reset(measures: boolean): void {
    this.#board = DEFAULT_BAUD_RATE;
    this.#isMeasuring = measures;
  }

  /** Handles the arrival of bytes from the host. */
  measure(): void {
    if (this.#isMeasuring && this.#host !== undefined) this.#board = this.#host;
    this.#isMeasuring = false;
  }
}
