/** Bits on the line per byte: start, eight data bits, stop. */
const BITS_PER_BYTE = 10;

/** Default latency of an answer through a USB bridge and its driver, in milliseconds. */
const LATENCY_MS = 1;

/**
 * Estimates the time on a real line: bytes at their baud rate, one USB latency per answer, and the flash, which works
 * while bytes arrive but delays the loader's answers. Only adds up; nothing waits.
 */
export class LineModel {
  readonly #latencyMs: number;
  #elapsedMs = 0;
  #flashBusyUntilMs = 0;
  #bytesToBoard = 0;
  #bytesToHost = 0;

  constructor(latencyMs: number = LATENCY_MS) {
    this.#latencyMs = latencyMs;
  }

  /** Number of bytes that the host sent. */
  get bytesToBoard(): number {
    return this.#bytesToBoard;
  }

  /** Number of bytes that the board sent. */
  get bytesToHost(): number {
    return this.#bytesToHost;
  }

  /** Total time in milliseconds. */
  get elapsedMs(): number {
    return Math.max(this.#elapsedMs, this.#flashBusyUntilMs);
  }

  /** Records bytes sent to the board. */
  receive(count: number, baudRate: number): void {
    this.#bytesToBoard += count;
    this.#elapsedMs += wireMs(count, baudRate);
  }

  /** Records that the loader keeps the flash busy. Operations run one after the other. */
  busy(durationMs: number): void {
    this.#flashBusyUntilMs = this.elapsedMs + durationMs;
  }

  /** Records an answer of the loader, which waits for the flash. */
  send(count: number, baudRate: number): void {
    this.#bytesToHost += count;
    this.#elapsedMs = this.elapsedMs + wireMs(count, baudRate) + this.#latencyMs;
  }
}

function wireMs(count: number, baudRate: number): number {
  return (count * BITS_PER_BYTE * 1000) / baudRate;
}
