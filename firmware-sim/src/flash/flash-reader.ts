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
}
