import { concatBytes } from "@tinybms/ota-core";

/** What has been received and not taken yet: adapters put in, `SerialLine.read` takes out. */
export class ReceiveBuffer {
  #chunks: Uint8Array[] = [];
  #fault: Error | undefined;
  #wake: (() => void) | undefined;

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#wake?.();
  }

  /** Nothing more will come: every `take` from now on rejects, once what came before is taken. */
  fail(fault: Error): void {
    this.#fault ??= fault;
    this.#wake?.();
  }

  /** Throws what {@link fail} was told. */
  assertSound(): void {
    if (this.#fault !== undefined) throw this.#fault;
  }

  /**
   * Everything received, waiting for the first byte.
   *
   * @returns Empty after `timeoutMs`.
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

/** Resolves after a time; the adapters' `wait`. */
export function elapse(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
