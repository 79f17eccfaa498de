/** Counts of the operations of a flash. */
export interface FlashCounters {
  readonly reads: number;
  readonly pagePrograms: number;
  readonly sectorErases: number;
  readonly bytesRead: number;
  readonly bytesProgrammed: number;
}

/** Duration of operations, in milliseconds. */
export interface FlashTiming {
  readonly eraseSectorMs: number;
  readonly programPageMs: number;
}

/** Typical times of the Winbond W25Q32/64 class, from their data sheets. */
export const TYPICAL_FLASH_TIMING: FlashTiming = { eraseSectorMs: 45, programPageMs: 0.7 };
