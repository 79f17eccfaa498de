/** The rate of the ROM's log, and of apps. */
const DEFAULT_BAUD_RATE = 115_200;

/** How far the two may differ, as a part. */
const TOLERANCE = 0.03;

/** The rates of a line's two ends, in baud. Bytes at another rate are noise, of which neither end makes anything. */
export class BaudRates {
  readonly #matter: boolean;
  #board = DEFAULT_BAUD_RATE;
  #host: number | undefined;
  #isMeasuring = false;

  /** @param matter - False on a line that has no rate, as USB: the ends always agree. */
  constructor(matter: boolean) {
    this.#matter = matter;
  }

  get board(): number {
    return this.#board;
  }

  set board(baudRate: number) {
    this.#board = baudRate;
  }

  /** `undefined`: whatever the board's is. */
  set host(baudRate: number | undefined) {
    this.#host = baudRate;
  }

  get agree(): boolean {
    if (this.#host === undefined || !this.#matter) return true;
    return Math.abs(this.#host - this.#board) <= TOLERANCE * this.#board;
  }

  /**
   * The board starts.
   *
   * @param measures - Its loader waits, and measures the rate at the first bytes that it gets.
   */
  reset(measures: boolean): void {
    this.#board = DEFAULT_BAUD_RATE;
    this.#isMeasuring = measures;
  }

  /** Bytes of the host come. */
  measure(): void {
    if (this.#isMeasuring && this.#host !== undefined) this.#board = this.#host;
    this.#isMeasuring = false;
  }
}
