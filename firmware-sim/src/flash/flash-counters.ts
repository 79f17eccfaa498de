/** What a flash has done so far. */
export interface FlashCounters {
  readonly reads: number;
  readonly pagePrograms: number;
  readonly sectorErases: number;
  readonly bytesRead: number;
  readonly bytesProgrammed: number;
}

/** How long operations take, in milliseconds. */
export interface FlashTiming {
  readonly eraseSectorMs: number;
  readonly programPageMs: number;
}

/** Typical times of the Winbond W25Q32/64 class, from their data sheets. */
export const TYPICAL_FLASH_TIMING: FlashTiming = { eraseSectorMs: 45, programPageMs: 0.7 };
