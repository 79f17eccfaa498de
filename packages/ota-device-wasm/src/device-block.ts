import { utf8 } from "@tinybms/ota-core";
import type { Address, DeviceModule } from "./device-module.ts";

/** One block of the module's memory, filled from its start. */
export class DeviceBlock {
  readonly address: Address;
  readonly #module: DeviceModule;
  readonly #size: number;
  #used = 0;

  /** @param size - Size in bytes. */
  constructor(module: DeviceModule, size: number) {
    this.#module = module;
    this.#size = (size + 7) & ~7;
    this.address = module.allocate(this.#size);
  }

  /** Returns the address of the next `size` bytes, aligned to 8. */
  take(size: number): Address {
    const address = this.address + this.#used;
    this.#used += (size + 7) & ~7;
    if (this.#used > this.#size) throw new RangeError(`a block of ${this.#size} bytes can't hold ${this.#used}`);
    return address;
  }

  /** Copies bytes into the block. */
  put(bytes: Uint8Array): Address {
    const address = this.take(bytes.length);
    this.#module.bytes.set(bytes, address);
    return address;
  }

  /** Copies a text into the block, with a terminating zero. */
  putText(text: string): Address {
    return this.put(utf8(`${text}\0`));
  }

  /** Makes the whole block available again. */
  clear(): void {
    this.#used = 0;
  }

  /** Frees the block. */
  free(): void {
    this.#module.free(this.address, this.#size);
  }
}
