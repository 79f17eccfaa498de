import { concatBytes } from "@tinybms/ota-core";

/** Received bytes that were not read yet. Adapters add them, and `SerialLine.read` takes them. */
export class ReceiveBuffer {
  #chunks: Uint8Array[] = [];
  #fault: Error | undefined;
  #wake: (() => void) | undefined;

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#wake?.();
  }

  /** Ends the buffer: after the bytes that it still holds, every {@link take} rejects with `fault`. */
  fail(fault: Error): void {
    this.#fault ??= fault;
    this.#wake?.();
  }

  /** Throws the fault that {@link fail} received, if any. */
  assertSound(): void {
    if (this.#fault !== undefined) throw this.#fault;
  }

  /**
   * Takes everything that was received. Waits up to `timeoutMs` for the first byte.
   *
   * @returns Empty if nothing arrived in time.
   */
  async take(timeoutMs: number): Promise<Uint8Array> {
    if (this.#chunks.length === 0 && this.#fault === undefined) await this.#received(timeoutMs);
    const bytes = concatBytes(this.#chunks);
    this.#chunks = [];
    if (bytes.length === 0) this.assertSound();
    return bytes;
  }

  #received(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(end, timeoutMs);
      const buffer = this;
      function end(): void {
        clearTimeout(timer);
        buffer.#wake = undefined;
        resolve();
      }
      this.#wake = end;
    });
  }
}

/** Resolves after `ms` milliseconds. */
export function elapse(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
