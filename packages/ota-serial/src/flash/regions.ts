import { md5 } from "@noble/hashes/legacy.js";
import { concatBytes } from "@tinybms/ota-core";

/** Content for the flash from `offset` on. */
export interface FlashPart {
  /** Name for messages: a file or a partition. */
  readonly name: string;
  /** Offset in bytes, a multiple of 4096 (a sector). */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Range of flash, in bytes. */
export interface FlashRange {
  readonly offset: number;
  readonly size: number;
}

/** Piece of a part with its MD5, to compare with the board's. */
export interface FlashRegion {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly md5: Uint8Array;
}

/** Bytes that are compared at once: an erase block of every flash chip. */
export const REGION_SIZE = 0x1_0000;

/** Smallest erasable unit of flash, in bytes. */
export const SECTOR_SIZE = 0x1000;

/** Splits parts into regions at multiples of 64 KiB. */
export function regionsOf(parts: readonly FlashPart[]): readonly FlashRegion[] {
  return cut(parts, REGION_SIZE);
}

/** Splits regions into sectors. */
export function sectorsOf(regions: readonly FlashRegion[]): readonly FlashRegion[] {
  return cut(regions, SECTOR_SIZE);
}

function cut(parts: readonly Pick<FlashPart, "offset" | "bytes">[], size: number): readonly FlashRegion[] {
  return parts.flatMap(({ offset, bytes }) => {
    const regions: FlashRegion[] = [];
    for (let start = 0; start < bytes.length; ) {
      const end = Math.min(bytes.length, start + size - ((offset + start) % size));
      const piece = bytes.subarray(start, end);
      regions.push({ offset: offset + start, bytes: piece, md5: md5(piece) });
      start = end;
    }
    return regions;
  });
}

/**
 * Groups adjacent regions into runs. Each run is sent as one compressed stream.
 *
 * @param regions - Regions in ascending order of offset.
 * @param limit - Largest run, in bytes. A single larger region still makes a run.
 */
export function runsOf(regions: readonly FlashRegion[], limit: number): readonly (readonly FlashRegion[])[] {
  const runs: FlashRegion[][] = [];
  let size = 0;
  let end = -1;
  for (const region of regions) {
    const last = runs.at(-1);
    if (last !== undefined && region.offset === end && size + region.bytes.length <= limit) {
      last.push(region);
      size += region.bytes.length;
    } else {
      runs.push([region]);
      size = region.bytes.length;
    }
    end = region.offset + region.bytes.length;
  }
  return runs;
}

/** Returns the total size of regions, in bytes. */
export function sizeOf(regions: readonly FlashRegion[]): number {
  return regions.reduce((size, { bytes }) => size + bytes.length, 0);
}

/** Concatenates the bytes of regions. */
export function bytesOf(run: readonly FlashRegion[]): Uint8Array {
  return concatBytes(run.map(({ bytes }) => bytes));
}

/** Returns the MD5 of concatenated regions. */
export function md5Of(run: readonly FlashRegion[]): Uint8Array {
  const [first] = run;
  if (first !== undefined && run.length === 1) return first.md5;
  const hash = md5.create();
  for (const { bytes } of run) hash.update(bytes);
  return hash.digest();
}
