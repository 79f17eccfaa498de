import { viewOf } from "@tinybms/ota-core";

/** Read the identification (JEDEC). */
const RDID = 0x9f;
/** Read the discoverable parameters (JESD216). */
const RDSFDP = 0x5a;

/** Winbond, serial NOR at 3.3 V. */
const MANUFACTURER = 0xef;
const MEMORY_TYPE = 0x40;

/** Offset in bytes, and number of words, of the JESD216 parameter table within the discoverable parameters. */
const TABLE_OFFSET = 0x80;
const TABLE_WORDS = 9;

/** Density of the flash in bits, less one: the table's second word. */
const DENSITY_WORD = 1;

/** The table of Winbond's W25Q series (data sheet of W25Q32JV, chapter "SFDP register"), by words. */
const TABLE: readonly number[] = [
  0xfff1_20e5, 0, 0x6b08_eb44, 0xbb42_3b08, 0xffff_fffe, 0x0000_ffff, 0xeb21_ffff, 0x520f_200c, 0xff00_d810,
];

/**
 * Returns a flash chip's answer to a command that a host sends through the SPI controller.
 *
 * @param sizeBytes - Size of the flash, a power of two.
 * @param address - 24-bit address.
 * @returns The first four bytes, little-endian. Status registers and unknown commands read as 0.
 */
export function answerSpiCommand(sizeBytes: number, command: number, address: number): number {
  if (command === RDID) return MANUFACTURER | (MEMORY_TYPE << 8) | (Math.log2(sizeBytes) << 16);
  if (command !== RDSFDP) return 0;
  const bytes = Uint8Array.from({ length: 4 }, (_, index) => sfdpByte(sizeBytes, address + index));
  return viewOf(bytes).getUint32(0, true);
}

/** Returns one byte of the discoverable parameters (JESD216): two headers, the table, and FF elsewhere. */
function sfdpByte(sizeBytes: number, address: number): number {
  const header = [0x5044_4653, 0xff00_0100, (TABLE_WORDS << 24) | 0x0001_0000, 0xff00_0000 | TABLE_OFFSET];
  const index = Math.floor(address / 4);
  const inTable = index - TABLE_OFFSET / 4;
  const word = header[index] ?? (inTable === DENSITY_WORD ? 8 * sizeBytes - 1 : TABLE[inTable]) ?? 0xffff_ffff;
  return (word >>> (8 * (address % 4))) & 0xff;
}
