/**
 * The flash under an NVS partition; offsets are bytes from the partition's start.
 *
 * `program` clears bits and never sets one. `program` and `eraseSector` may throw when power goes: NVS lets that pass,
 * and what it held in memory is worth nothing from then on. A new `nvs_flash_init` over the same bytes recovers.
 */
export interface NvsStorage {
  /** Size of the partition in bytes; a last part that is no whole page of 4096 bytes is not used. */
  readonly sizeBytes: number;
  /** Bytes as they read now. May be a view: NVS only reads it, and only until it changes these bytes. */
  read(offset: number, length: number): Uint8Array;
  /** ANDs `bytes` into what is there. */
  program(offset: number, bytes: Uint8Array): void;
  /** Sets the 4096 bytes at `offset`, a multiple of 4096, to 0xFF. */
  eraseSector(offset: number): void;
}
