/**
 * Status of a response: its two status bytes as one big-endian number. The ROM's errors are 01 and a reason; those of
 * Espressif's stub begin with C0 or higher.
 */
export const LoaderStatus = {
  OK: 0,
  ROM_UNDEFINED: 0x0100,
  ROM_BAD_PARAMETER: 0x0101,
  ROM_NO_MEMORY: 0x0102,
  ROM_SEND: 0x0103,
  ROM_RECEIVE: 0x0104,
  /** Also: the command is unknown. */
  ROM_BAD_MESSAGE: 0x0105,
  ROM_FAILED: 0x0106,
  ROM_CHECKSUM: 0x0107,
  ROM_FLASH_WRITE: 0x0108,
  ROM_FLASH_READ: 0x0109,
  ROM_READ_LENGTH: 0x010a,
  ROM_INFLATE: 0x010b,
  ROM_ADLER32: 0x010c,
  ROM_INFLATE_PARAMETER: 0x010d,
  ROM_RAM_SIZE: 0x010e,
  ROM_RAM_ADDRESS: 0x010f,
  STUB_DATA_LENGTH: 0xc000,
  STUB_CHECKSUM: 0xc100,
  STUB_BLOCK_SIZE: 0xc200,
  STUB_UNKNOWN_COMMAND: 0xc300,
  STUB_SPI_OPERATION: 0xc400,
  STUB_FLASH_UNLOCK: 0xc500,
  STUB_NOT_IN_FLASH_MODE: 0xc600,
  STUB_INFLATE: 0xc700,
  STUB_TOO_LITTLE_DATA: 0xc800,
  STUB_TOO_MUCH_DATA: 0xc900,
  STUB_NOT_IMPLEMENTED: 0xff00,
} as const;

const MEANINGS: ReadonlyMap<number, string> = new Map<number, string>([
  [LoaderStatus.OK, "done"],
  [LoaderStatus.ROM_UNDEFINED, "an error that it doesn't name"],
  [LoaderStatus.ROM_BAD_PARAMETER, "a parameter is wrong"],
  [LoaderStatus.ROM_NO_MEMORY, "out of memory"],
  [LoaderStatus.ROM_SEND, "sending failed"],
  [LoaderStatus.ROM_RECEIVE, "receiving failed"],
  [LoaderStatus.ROM_BAD_MESSAGE, "the message is malformed, or the command unknown"],
  [LoaderStatus.ROM_FAILED, "the command ran and failed"],
  [LoaderStatus.ROM_CHECKSUM, "the checksum is wrong"],
  [LoaderStatus.ROM_FLASH_WRITE, "writing the flash failed"],
  [LoaderStatus.ROM_FLASH_READ, "reading the flash failed"],
  [LoaderStatus.ROM_READ_LENGTH, "the length to read is wrong"],
  [LoaderStatus.ROM_INFLATE, "the data can't be decompressed"],
  [LoaderStatus.ROM_ADLER32, "the decompressed data has another checksum"],
  [LoaderStatus.ROM_INFLATE_PARAMETER, "a parameter of the decompression is wrong"],
  [LoaderStatus.ROM_RAM_SIZE, "the binary is too large for the RAM"],
  [LoaderStatus.ROM_RAM_ADDRESS, "the binary doesn't belong at this address in RAM"],
  [LoaderStatus.STUB_DATA_LENGTH, "the length of the data is wrong"],
  [LoaderStatus.STUB_CHECKSUM, "the checksum is wrong"],
  [LoaderStatus.STUB_BLOCK_SIZE, "the block size is wrong"],
  [LoaderStatus.STUB_UNKNOWN_COMMAND, "the command is unknown"],
  [LoaderStatus.STUB_SPI_OPERATION, "the flash chip didn't do it"],
  [LoaderStatus.STUB_FLASH_UNLOCK, "the flash chip can't be unlocked"],
  [LoaderStatus.STUB_NOT_IN_FLASH_MODE, "no write was begun"],
  [LoaderStatus.STUB_INFLATE, "the data can't be decompressed"],
  [LoaderStatus.STUB_TOO_LITTLE_DATA, "less data came than was announced"],
  [LoaderStatus.STUB_TOO_MUCH_DATA, "more data came than was announced"],
  [LoaderStatus.STUB_NOT_IMPLEMENTED, "the command is not implemented"],
]);

/**
 * Describes a status as a part of a sentence, or states its number if it is unknown.
 *
 * @param status - uint16, from `splitLoaderStatus`.
 */
export function loaderStatusMeaning(status: number): string {
  return MEANINGS.get(status) ?? `status 0x${status.toString(16).padStart(4, "0")}`;
}
