import { LoaderOp } from "@tinybms/ota-core/serial";

/** Allowed lengths of a command's data, in bytes. */
const LENGTHS: ReadonlyMap<number, readonly number[]> = new Map<number, readonly number[]>([
  [LoaderOp.FLASH_BEGIN, [16, 20]],
  [LoaderOp.FLASH_END, [4]],
  [LoaderOp.MEM_BEGIN, [16]],
  [LoaderOp.MEM_END, [8]],
  [LoaderOp.SYNC, [36]],
  [LoaderOp.READ_REG, [4]],
  [LoaderOp.SPI_SET_PARAMS, [24]],
  [LoaderOp.SPI_ATTACH, [4, 8]],
  [LoaderOp.READ_FLASH_SLOW, [8]],
  [LoaderOp.CHANGE_BAUDRATE, [8]],
  [LoaderOp.FLASH_DEFL_BEGIN, [16, 20]],
  [LoaderOp.FLASH_DEFL_END, [4]],
  [LoaderOp.SPI_FLASH_MD5, [16]],
  [LoaderOp.ERASE_REGION, [8]],
  [LoaderOp.READ_FLASH, [16]],
]);

/** Size of one write of WRITE_REG in bytes: address, value, mask, delay. */
export const REGISTER_WRITE_SIZE = 16;

/** Returns whether a command's data has an allowed length. */
export function hasCommandLength(op: number, length: number): boolean {
  if (op === LoaderOp.WRITE_REG) return length > 0 && length % REGISTER_WRITE_SIZE === 0;
  return LENGTHS.get(op)?.includes(length) ?? true;
}
