/** Read access to a flash. */
export interface FlashReader {
  readonly sizeBytes: number;
  /** Returns bytes in a new array; empty if the range crosses the end of the flash. */
  read(offset: number, length: number): Uint8Array;
  /**
   * Visits a range without copying it, in ascending parts that never cross a sector boundary.
   *
   * @param visit - Receives the bytes and their offset in the flash. It must neither change them nor keep them.
   * @returns `false`, without a visit, if the range crosses the end of the flash.
   */
  forEachSector(offset: number, length: number, visit: (bytes: Uint8Array, offset: number) => void): boolean;
  /**
   * Returns the cached result of `compute` under this key if the sectors that it read are unchanged. Otherwise computes it.
   *
   * @param key - Identifies the computation and all its inputs other than flash.
   * @param compute - Reads only through the reader that it receives, changes nothing, and returns a result that can be shared.
   */
  remember?<Result>(key: string, compute: (flash: FlashReader) => Result): Result;
}

/** Access to a flash as software has it: reads, programs and erases. */
export interface FlashAccess extends FlashReader {
  /**
   * Clears the bits that are 0 in `bytes`.
   *
   * @returns `false` if the range crosses the end or the chip fails.
   */
  program(offset: number, bytes: Uint8Array): boolean;
  /**
   * Erases whole sectors of 4096 bytes in ascending order.
   *
   * @returns `false` if the range is not of whole sectors or crosses the end, or if the chip fails.
   */
  eraseRange(offset: number, length: number): boolean;
}
