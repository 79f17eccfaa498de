/**
 * Flash of an NVS partition. Offsets are in bytes from the start of the partition.
 *
 * `program` only clears bits. `program` and `eraseSector` may throw at a power cut. NVS does not catch the error, and
 * its memory is invalid afterwards; a new `nvs_flash_init` over the same bytes recovers.
 */
export interface NvsStorage {
  /** Size of the partition in bytes. An incomplete page at the end is not used. */
  readonly sizeBytes: number;
  /** Reads bytes. The result may be a view: NVS does not modify it, and uses it only until it changes these bytes. */
  read(offset: number, length: number): Uint8Array;
  /** ANDs `bytes` into the current content. */
  program(offset: number, bytes: Uint8Array): void;
  /** Sets the 4096 bytes at `offset`, a multiple of 4096, to 0xFF. */
  eraseSector(offset: number): void;
}
