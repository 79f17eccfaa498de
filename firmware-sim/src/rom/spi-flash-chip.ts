/** Read the identification (JEDEC). */
const RDID = 0x9f;
/** Read the discoverable parameters (JESD216). */
const RDSFDP = 0x5a;

/** Winbond, serial NOR at 3.3 V. */
const MANUFACTURER = 0xef;
const MEMORY_TYPE = 0x40;

/** `SFDP`, as it stands at the beginning of the parameters. */
const SFDP_SIGNATURE = 0x5044_4653;

/**
 * What a flash chip answers to a command that a host sends it through the SPI controller.
 *
 * @param sizeBytes - Of the flash, a power of two.
 * @param address - 24 bits.
 * @returns The first four bytes, little-endian. Status registers read 0, and other commands have no answer.
 */
export function answerSpiCommand(sizeBytes: number, command: number, address: number): number {
  if (command === RDID) return MANUFACTURER | (MEMORY_TYPE << 8) | (Math.log2(sizeBytes) << 16);
  return command === RDSFDP && address === 0 ? SFDP_SIGNATURE : 0;
}
