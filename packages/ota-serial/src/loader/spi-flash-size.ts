import { OtaError } from "@tinybms/ota-core";
import { LoaderOp, loaderWords } from "@tinybms/ota-core/serial";
import type { ReadRegister, SpiRegisters } from "./chip-registers.ts";
import type { LoaderLink } from "./loader-link.ts";

/** JEDEC command "read identification". */
const RDID = 0x9f;
/** `SPI_USR_COMMAND` and `SPI_USR_MISO` in register USER. */
const USER_COMMAND_AND_MISO = (0x8000_0000 | 0x1000_0000) >>> 0;
/** `SPI_USR` in register CMD: starts the transaction. */
const BEGIN = 0x4_0000;
const POLLS = 10;

/**
 * Reads the flash chip's JEDEC id through the SPI controller and returns its size.
 *
 * @param write - Writes a register.
 * @returns Size in bytes.
 * @throws {@link OtaError} `serial/loader-refused` if no flash chip answers.
 */
export async function readFlashSize(
  port: string,
  spi: SpiRegisters,
  read: ReadRegister,
  write: (address: number, value: number) => Promise<void>,
): Promise<number> {
  const saved = [await read(spi.user), await read(spi.user2)] as const;
  await write(spi.misoLength, 23);
  await write(spi.user, USER_COMMAND_AND_MISO);
  await write(spi.user2, ((7 << 28) | RDID) >>> 0);
  await write(spi.data, 0);
  await write(spi.command, BEGIN);
  for (let poll = 0; poll < POLLS && ((await read(spi.command)) & BEGIN) !== 0; poll++);
  const id = await read(spi.data);
  await write(spi.user, saved[0]);
  await write(spi.user2, saved[1]);
  const size = sizeOfCapacity((id >>> 16) & 0xff);
  if (size !== undefined) return size;
  const message = `the flash chip on ${port} answers with id 0x${(id & 0xff_ffff).toString(16).padStart(6, "0")}, which contains no size`;
  const hint =
    "check that the flash is connected and its pins are free; on an ESP32, a high GPIO12 sets the flash supply to 1.8 V";
  throw new OtaError("serial/loader-refused", message, { port, command: "RDID", status: id & 0xff_ffff }, { hint });
}

/** Decodes a JEDEC capacity: 0x12 is 256 KiB, and each step doubles. Some manufacturers start again at 0x32. */
function sizeOfCapacity(capacity: number): number | undefined {
  const power = capacity >= 0x32 && capacity <= 0x3a ? capacity - 0x20 : capacity;
  return power >= 0x12 && power <= 0x1c ? 2 ** power : undefined;
}

/** Sends the size of the flash to the loader, which otherwise assumes 2 MB. */
export async function setFlashSize(link: LoaderLink, size: number): Promise<void> {
  const geometry = loaderWords(0, size, 0x1_0000, 0x1000, 0x100, 0xffff);
  await link.command("SPI_SET_PARAMS", LoaderOp.SPI_SET_PARAMS, geometry);
}
