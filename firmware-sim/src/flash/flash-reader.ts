/** The reading half of a flash: all that verifying an image needs. */
export interface FlashReader {
  readonly sizeBytes: number;
  /** Bytes in a new array; empty if the range crosses the end of the flash. */
  read(offset: number, length: number): Uint8Array;
  /**
   * Shows a range without copying it, in ascending parts that never cross a sector border.
   *
   * @param visit - Gets the bytes and their offset in the flash. They must not be changed, nor used after the call.
   * @returns False, without a visit, if the range crosses the end of the flash.
   */
  forEachSector(offset: number, length: number, visit: (bytes: Uint8Array, offset: number) => void): boolean;
  /**
   * Gives what `compute` gave before under this key, if it read the very same sectors, and computes it otherwise.
   *
   * @param key - Names the computation and everything besides flash that it depends on.
   * @param compute - Reads through the reader that it is given, changes nothing, and gives what may be shared.
   */
  remember?<Result>(key: string, compute: (flash: FlashReader) => Result): Result;
}

/** A flash as software sees it: reads, programs and erases. */
export interface FlashAccess extends FlashReader {
  /**
   * Clears the bits that are 0 in `bytes`.
   *
   * @returns False if the range crosses the end or the chip fails.
   */
  program(offset: number, bytes: Uint8Array): boolean;
  /**
   * Erases whole sectors of 4096 bytes in ascending order.
   *
   * @returns False off a sector border, beyond the end, or if the chip fails.
   */
  eraseRange(offset: number, length: number): boolean;
}
