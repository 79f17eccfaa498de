import { md5 } from "@noble/hashes/legacy.js";
import { concatBytes } from "@tinybms/ota-core";

/** Bytes `offset` … `offset + bytes.length` − 1 of a flash. */
export interface FlashPart {
  /** What it is, for people: a file, a partition. */
  readonly name: string;
  /** A multiple of a sector, 4096 bytes. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Bytes `offset` … `offset + size` − 1 of a flash. */
export interface FlashRange {
  readonly offset: number;
  readonly size: number;
}

/** A piece of a part whose MD5 the board is asked for. */
export interface FlashRegion {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly md5: Uint8Array;
}

/** Size in bytes of what is compared at once: an erase block of every flash chip. */
export const REGION_SIZE = 0x1_0000;

/** Size in bytes of what the flash erases at least. */
export const SECTOR_SIZE = 0x1000;

/** Cuts parts into regions of at most 64 KiB that begin at multiples of it. */
export function regionsOf(parts: readonly FlashPart[]): readonly FlashRegion[] {
  return cut(parts, REGION_SIZE);
}

/** Cuts regions into sectors. */
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
 * Joins regions that follow each other, so that each run is one compressed stream.
 *
 * @param regions - By offset.
 * @param limit - Bytes that a run may have; one region is always a run.
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

/** Returns how many bytes regions have. */
export function sizeOf(regions: readonly FlashRegion[]): number {
  return regions.reduce((size, { bytes }) => size + bytes.length, 0);
}

/** Returns the bytes of regions, one after the other. */
export function bytesOf(run: readonly FlashRegion[]): Uint8Array {
  return concatBytes(run.map(({ bytes }) => bytes));
}

/** MD5 of regions as one piece. */
export function md5Of(run: readonly FlashRegion[]): Uint8Array {
  const [first] = run;
  if (first !== undefined && run.length === 1) return first.md5;
  const hash = md5.create();
  for (const { bytes } of run) hash.update(bytes);
  return hash.digest();
}
