// Checksums of a flash, fast if few sectors changed since the last one.

import { crc32 } from "node:zlib";
import type { NorFlash } from "../../src/flash/nor-flash.ts";
import { SECTOR_SIZE } from "../../src/flash/sector-store.ts";

/** Checksums of sectors, by the result of `NorFlash.sectorIdentity`. */
const SECTOR_CHECKSUMS: WeakMap<object, number> = new WeakMap();

/**
 * Effect of 4096 zero bytes on each byte of a CRC register. CRC-32 is linear, so checksums of parts can be combined.
 */
const SHIFT_BY_SECTOR: readonly Uint32Array[] = [0, 8, 16, 24].map((shift) =>
  Uint32Array.from({ length: 256 }, (_, byte) => shiftBySector((byte << shift) >>> 0)),
);

/**
 * Returns the CRC-32 of the first bytes of a flash.
 *
 * @param end - Number of bytes, a multiple of 4096.
 */
export function flashChecksum(flash: NorFlash, end: number): number {
  let checksum = 0;
  const [first, second, third, fourth] = SHIFT_BY_SECTOR as [Uint32Array, Uint32Array, Uint32Array, Uint32Array];
  for (let sector = 0; sector < end / SECTOR_SIZE; sector++) {
    const shifted =
      first[checksum & 0xff]! ^
      second[(checksum >>> 8) & 0xff]! ^
      third[(checksum >>> 16) & 0xff]! ^
      fourth[checksum >>> 24]!;
    checksum = (shifted ^ sectorChecksum(flash, sector)) >>> 0;
  }
  return checksum;
}

function sectorChecksum(flash: NorFlash, sector: number): number {
  const identity = flash.sectorIdentity(sector);
  const known = identity === undefined ? undefined : SECTOR_CHECKSUMS.get(identity);
  if (known !== undefined) return known;
  const checksum = crc32(flash.truth(sector * SECTOR_SIZE, SECTOR_SIZE));
  if (identity !== undefined) SECTOR_CHECKSUMS.set(identity, checksum);
  return checksum;
}

/** Returns the CRC register after 4096 zero bytes, without the inversions at both ends. */
function shiftBySector(register: number): number {
  let shifted = register;
  for (let bit = 0; bit < SECTOR_SIZE * 8; bit++) shifted = (shifted >>> 1) ^ (shifted & 1 ? 0xedb8_8320 : 0);
  return shifted >>> 0;
}
