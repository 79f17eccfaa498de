import type { FlashTiming } from "../flash/flash-counters.ts";
import { PAGE_SIZE } from "../flash/nor-flash.ts";
import { SECTOR_SIZE } from "../flash/sector-store.ts";

/** Size of a block in bytes. One erase command clears an aligned block. */
export const ERASE_BLOCK_SIZE = 0x1_0000;

/** Duration of a block erase in milliseconds, typical of the Winbond W25Q32/64 class, from their data sheets. */
const ERASE_BLOCK_MS = 150;

/**
 * Returns how long a loader takes to erase a range, using block erases where possible. (The flash itself counts sectors.)
 *
 * @param length - Length in bytes, of whole sectors.
 * @returns Milliseconds.
 */
export function eraseDurationMs(timing: FlashTiming, offset: number, length: number): number {
  const firstBlock = Math.ceil(offset / ERASE_BLOCK_SIZE) * ERASE_BLOCK_SIZE;
  const blocks = Math.max(Math.floor((offset + length - firstBlock) / ERASE_BLOCK_SIZE), 0);
  const sectors = (length - blocks * ERASE_BLOCK_SIZE) / SECTOR_SIZE;
  return blocks * ERASE_BLOCK_MS + sectors * timing.eraseSectorMs;
}

/** Returns how long it takes to program a range, in milliseconds. */
export function programDurationMs(timing: FlashTiming, offset: number, length: number): number {
  return Math.ceil(((offset % PAGE_SIZE) + length) / PAGE_SIZE) * timing.programPageMs;
}
