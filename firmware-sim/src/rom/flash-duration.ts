import type { FlashTiming } from "../flash/flash-counters.ts";
import { PAGE_SIZE } from "../flash/nor-flash.ts";
import { SECTOR_SIZE } from "../flash/sector-store.ts";

/** What one erase command takes at once where the range is aligned to it and as long, in bytes. */
export const ERASE_BLOCK_SIZE = 0x1_0000;

/** How long that takes, in milliseconds: typical of the Winbond W25Q32/64 class, from their data sheets. */
const ERASE_BLOCK_MS = 150;

/**
 * How long a loader takes to erase a range, in blocks where it can. (The flash itself counts sectors.)
 *
 * @param length - Whole sectors.
 * @returns Milliseconds.
 */
export function eraseDurationMs(timing: FlashTiming, offset: number, length: number): number {
  const firstBlock = Math.ceil(offset / ERASE_BLOCK_SIZE) * ERASE_BLOCK_SIZE;
  const blocks = Math.max(Math.floor((offset + length - firstBlock) / ERASE_BLOCK_SIZE), 0);
  const sectors = (length - blocks * ERASE_BLOCK_SIZE) / SECTOR_SIZE;
  return blocks * ERASE_BLOCK_MS + sectors * timing.eraseSectorMs;
}

/** How long it takes to program a range, in milliseconds. */
export function programDurationMs(timing: FlashTiming, offset: number, length: number): number {
  return Math.ceil(((offset % PAGE_SIZE) + length) / PAGE_SIZE) * timing.programPageMs;
}
