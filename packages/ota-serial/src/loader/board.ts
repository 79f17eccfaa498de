import { isOtaError, OtaError } from "@tinybms/ota-core";
import { type Chip, type ChipName, chipById, chipByName } from "@tinybms/ota-core/esp";
import {
  LoaderOp,
  LoaderStatus,
  loaderWords,
  parseSecurityInfo,
  SecurityFlag,
  type SecurityInfo,
} from "@tinybms/ota-core/serial";
import { CHIP_REGISTERS, type ChipRegisters, MAGIC_REGISTER, MAGIC_VALUES } from "./chip-registers.ts";
import type { LoaderLink } from "./loader-link.ts";
import { readFlashSize } from "./spi-flash-size.ts";

/** Properties of a chip, read through its loader. */
export interface ChipFacts {
  readonly chip: Chip;
  /** Espressif's spelling, such as `ESP32-C3`. */
  readonly chipName: string;
  /** Major × 100 + minor. */
  readonly revision: number;
  /** Revision of the eFuse blocks, in the same form. Absent on ESP32, whose images have no limit for it. */
  readonly blockRevision?: number | undefined;
  /** MAC address from eFuse, as `aa:bb:cc:dd:ee:ff`. */
  readonly mac: string;
  readonly secureBoot: boolean;
  readonly flashEncryption: boolean;
}

/** A board in its loader. */
export interface Board extends ChipFacts {
  /** Size of the flash, in bytes. */
  readonly flashSize: number;
}

/** Statuses of ROM and stubs for an unknown command. */
const UNKNOWN: readonly number[] = [
  LoaderStatus.ROM_BAD_MESSAGE,
  LoaderStatus.STUB_UNKNOWN_COMMAND,
  LoaderStatus.STUB_NOT_IMPLEMENTED,
];

/** Bits `ABS_DONE_0` and `ABS_DONE_1` in eFuse word 6 of an ESP32. Either one enables secure boot. */
const ESP32_SECURE_BOOT = 0x30;

/**
 * Reads a chip's properties through its loader (ROM or stub).
 *
 * @throws {@link OtaError} `serial/unsupported-chip`, `serial/secure-download`, and the codes of
 *   {@link LoaderLink.command}.
 */
export async function readChip(link: LoaderLink): Promise<ChipFacts> {
  const security = await readSecurity(link);
  const { port } = link.line;
  if (security !== undefined && (security.flags & SecurityFlag.SECURE_DOWNLOAD_ENABLE) !== 0) {
    const message = `the board on ${port} is in Secure Download Mode: its flash can't be read, so it can't be flashed safely`;
    const hint = "update it over the air: its app accepts signed releases";
    throw new OtaError("serial/secure-download", message, { port }, { hint });
  }
  const { chip, registers } = await identify(link, security);
  const read = (address: number): Promise<number> => readRegister(link, address);
  const { secureBoot, flashEncryption } =
    chip.name === "esp32" || security === undefined ? await esp32Security(registers, read) : securityOf(security);
  const [low, high] = [await read(registers.macLow), await read(registers.macHigh)];
  return {
    chip,
    chipName: registers.displayName,
    revision: await registers.revision(read),
    blockRevision: await registers.blockRevision?.(read),
    mac: macText(low, high),
    secureBoot,
    flashEncryption,
  };
}

/** Reads the size of the flash. The loader must have attached the flash. */
export async function readBoard(link: LoaderLink, facts: ChipFacts): Promise<Board> {
  const registers = registersOf(facts.chip.name, link.line.port);
  const flashSize = await readFlashSize(
    link.line.port,
    registers.spi,
    (address) => readRegister(link, address),
    (address, value) => writeRegister(link, address, value),
  );
  return { ...facts, flashSize };
}

/** Reads a register. */
export async function readRegister(link: LoaderLink, address: number): Promise<number> {
  return (await link.command("READ_REG", LoaderOp.READ_REG, loaderWords(address))).value;
}

/** Clears the bit that keeps some chips in their loader across a reset. */
export async function releaseDownloadMode(link: LoaderLink, { chip }: Pick<ChipFacts, "chip">): Promise<void> {
  const register = CHIP_REGISTERS[chip.name]?.forceDownload;
  if (register !== undefined) await writeRegister(link, register, 0, 1);
}

async function writeRegister(link: LoaderLink, address: number, value: number, mask = 0xffff_ffff): Promise<void> {
  await link.command("WRITE_REG", LoaderOp.WRITE_REG, loaderWords(address, value, mask, 0));
}

/** @returns `undefined` on an ESP32, which does not have the command. */
async function readSecurity(link: LoaderLink): Promise<SecurityInfo | undefined> {
  try {
    const { payload } = await link.command("GET_SECURITY_INFO", LoaderOp.GET_SECURITY_INFO, new Uint8Array(0), {
      // ESP32-S2 omits the chip id.
      payloadSize: (size) => (size >= 22 ? 20 : 12),
    });
    return parseSecurityInfo(payload);
  } catch (error) {
    // Any other status comes from a corrupted answer.
    if (isOtaError(error, "serial/loader-refused") && UNKNOWN.includes(error.details.status)) return undefined;
    throw error;
  }
}

async function identify(
  link: LoaderLink,
  security: SecurityInfo | undefined,
): Promise<{ readonly chip: Chip; readonly registers: ChipRegisters }> {
  const { port } = link.line;
  const id = security?.chipId;
  const magic = id === undefined ? await readRegister(link, MAGIC_REGISTER) : 0;
  const chip = id === undefined ? chipByName(MAGIC_VALUES.get(magic) ?? "") : chipById(id);
  const seen = id === undefined ? `magic 0x${magic.toString(16)}` : `chip id ${id}`;
  if (chip === undefined) throw unsupported(port, seen);
  return { chip, registers: registersOf(chip.name, port) };
}

function registersOf(name: ChipName, port: string): ChipRegisters {
  const registers = CHIP_REGISTERS[name];
  if (registers === undefined) throw unsupported(port, name);
  return registers;
}

function unsupported(port: string, chip: string): OtaError<"serial/unsupported-chip"> {
  const known = Object.keys(CHIP_REGISTERS).join(", ");
  const message = `the chip on ${port} (${chip}) is not supported; supported chips are ${known}`;
  const hint = "Espressif's esptool flashes it";
  return new OtaError("serial/unsupported-chip", message, { port, chip }, { hint });
}

function securityOf({ flags, flashCryptCount }: SecurityInfo): Pick<ChipFacts, "secureBoot" | "flashEncryption"> {
  return {
    secureBoot: (flags & SecurityFlag.SECURE_BOOT_EN) !== 0,
    flashEncryption: isOdd(flashCryptCount),
  };
}

async function esp32Security(
  { efuse }: ChipRegisters,
  read: (address: number) => Promise<number>,
): Promise<Pick<ChipFacts, "secureBoot" | "flashEncryption">> {
  const count = ((await read(efuse)) >>> 20) & 0x7f;
  return { secureBoot: ((await read(efuse + 0x18)) & ESP32_SECURE_BOOT) !== 0, flashEncryption: isOdd(count) };
}

/** Returns `true` if an odd number of bits is set. With such counters, eFuses store a setting that can change again. */
function isOdd(count: number): boolean {
  let odd = false;
  for (let rest = count; rest !== 0; rest &= rest - 1) odd = !odd;
  return odd;
}

function macText(low: number, high: number): string {
  const bytes = [high >>> 8, high, low >>> 24, low >>> 16, low >>> 8, low];
  return bytes.map((byte) => (byte & 0xff).toString(16).padStart(2, "0")).join(":");
}
