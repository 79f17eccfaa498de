/** Bits on the line for each byte: start, eight, stop. */
const BITS_PER_BYTE = 10;

/** How long an answer takes through a USB bridge and its driver where nobody says, in milliseconds. */
const LATENCY_MS = 1;

/**
 * How long it would take on a real line: bytes at their baud rate, one USB latency for each answer, and the flash, which
 * is busy while bytes come in but not while the loader has something to do. Adds up; nothing waits for it.
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

  /** Bytes that the host sent. */
  get bytesToBoard(): number {
    return this.#bytesToBoard;
  }

  /** Bytes that the board sent. */
  get bytesToHost(): number {
    return this.#bytesToHost;
  }

  /** How long all of it takes, in milliseconds. */
  get elapsedMs(): number {
    return Math.max(this.#elapsedMs, this.#flashBusyUntilMs);
  }

  /** Bytes go to the board. */
  receive(count: number, baudRate: number): void {
    this.#bytesToBoard += count;
    this.#elapsedMs += wireMs(count, baudRate);
  }

  /** The flash is kept busy by the loader, which does one thing after the other. */
  busy(durationMs: number): void {
    this.#flashBusyUntilMs = this.elapsedMs + durationMs;
  }

  /** The loader answers, when the flash is done. */
  send(count: number, baudRate: number): void {
    this.#bytesToHost += count;
    this.#elapsedMs = this.elapsedMs + wireMs(count, baudRate) + this.#latencyMs;
  }
}

function wireMs(count: number, baudRate: number): number {
  return (count * BITS_PER_BYTE * 1000) / baudRate;
}
