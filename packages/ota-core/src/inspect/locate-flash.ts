import { isOtaError } from "../errors.ts";
import { APP_IMAGE_MAGIC } from "../image/app-image-header.ts";
import { parseAppImage } from "../image/app-image-scanner.ts";
import { CHIPS, type ChipName } from "../image/chips.ts";
import { PartitionType } from "../image/partition-names.ts";
import {
  PARTITION_TABLE_OFFSET,
  PARTITION_TABLE_SIZE,
  type PartitionTable,
  parsePartitionTable,
} from "../image/partition-table.ts";
import { isBlank } from "./foreign-file.ts";
import { inspectApp } from "./inspect-app.ts";
import type { BootloaderInspection } from "./inspection.ts";

const SECTOR_SIZE = 0x1000;

/** Bootloader offsets of all chips' ROMs, in bytes. */
const BOOTLOADER_OFFSETS: readonly number[] = [...new Set(CHIPS.map(({ bootloaderOffset }) => bootloaderOffset))].sort(
  (left, right) => left - right,
);

/** A bootloader image in a flash. */
export interface FoundBootloader {
  /** Flash address of its first byte. */
  readonly offset: number;
  readonly inspection: BootloaderInspection;
  /** Whether the ROM of its chip reads the bootloader at this offset. */
  readonly isAtRomOffset: boolean;
}

/** Addresses of bootloader and partition table in a flash. */
export interface FlashLocations {
  /** Flash address of the file's first byte: 0, or the bootloader's offset of a merged image that begins with it. */
  readonly start: number;
  readonly bootloader: FoundBootloader | undefined;
  /** Flash addresses of bootloader images that no ROM loads while `bootloader` is there. */
  readonly otherBootloaders: readonly FoundBootloader[];
  readonly tableOffset: number | undefined;
  /** Flash addresses of further partition tables with a correct MD5. */
  readonly otherTableOffsets: readonly number[];
}

/** Known properties of a flash other than its bytes. */
export interface LocateOptions {
  /** Chip that the flash belongs to. @defaultValue All chips are considered. */
  readonly chip?: ChipName | undefined;
  /** Flash address of the partition table. @defaultValue 0x8000, then every sector. */
  readonly tableOffset?: number | undefined;
}

/**
 * Finds bootloader and partition table where ROM and bootloader look for them.
 *
 * A bootloader counts at the offset that the ROM of its chip reads, regardless of the bytes before it: the ESP32 has
 * the digest of Secure Boot v1 at 0x0. The partition table counts at 0x8000; otherwise at the first sector after the
 * bootloader with a table that precedes all of its partitions.
 *
 * @param flash - The flash from address 0.
 */
export function locateInFlash(flash: Uint8Array, options: LocateOptions = {}): Omit<FlashLocations, "start"> {
  const bootloaders = findBootloaders(flash, options.chip);
  const appChips = new Set(
    chipsOfApps(
      flash,
      findTables(flash).map(({ table }) => table),
    ),
  );
  const rank = ({ isAtRomOffset, inspection: { chip, valid } }: FoundBootloader): number =>
    (isAtRomOffset ? 4 : 0) + (chip !== null && appChips.has(chip) ? 2 : 0) + (valid ? 1 : 0);
  const [bootloader, ...otherBootloaders] = [...bootloaders].sort((left, right) => rank(right) - rank(left));
  const end = bootloader?.isAtRomOffset === true ? bootloader.offset + (bootloader.inspection.imageSize ?? 0) : 0;
  const tables = findTables(flash).filter(({ offset }) => offset >= end);
  const tableOffset = chooseTable(flash, tables, end, options.tableOffset);
  const otherTableOffsets = tables.map(({ offset }) => offset).filter((offset) => offset !== tableOffset);
  return { bootloader, otherBootloaders, tableOffset, otherTableOffsets };
}

/**
 * Does the same as {@link locateInFlash} for a file that begins at 0x0, or with a bootloader that belongs to a higher
 * address (merged images of MicroPython for ESP32 and ESP32-S2 begin at 0x1000).
 */
export function locateInFile(file: Uint8Array, options: LocateOptions = {}): FlashLocations {
  const start = startOfFile(file, options);
  return { start, ...locateInFlash(start === 0 ? file : flashFrom(file, start), options) };
}

/** Returns the flash from address 0 for a file that begins at address `start`. The bytes before it are erased. */
export function flashFrom(file: Uint8Array, start: number): Uint8Array {
  const flash = new Uint8Array(start + file.length).fill(0xff, 0, start);
  flash.set(file, start);
  return flash;
}

/** Returns `true` if a file is a flash: it contains a partition table, or a bootloader that is not there by chance. */
export function isFlash(file: Uint8Array, { start, bootloader, tableOffset }: FlashLocations): boolean {
  if (tableOffset !== undefined) return true;
  if (bootloader === undefined || start > 0) return false;
  const isLong = file.length >= PARTITION_TABLE_OFFSET + PARTITION_TABLE_SIZE;
  const isMeant = bootloader.inspection.valid || isBlank(file.subarray(0, bootloader.offset));
  return isMeant && (isLong || bootloader.offset > 0);
}

function findBootloaders(flash: Uint8Array, chip: ChipName | undefined): readonly FoundBootloader[] {
  return BOOTLOADER_OFFSETS.flatMap((offset) => {
    if (flash[offset] !== APP_IMAGE_MAGIC) return [];
    const inspection = inspectApp(bootloaderBytes(flash, offset), "partition");
    if (inspection.type !== "bootloader") return [];
    const looking = CHIPS.find(({ name }) => name === (chip ?? inspection.chip));
    return [{ offset, inspection, isAtRomOffset: looking?.bootloaderOffset === offset }];
  });
}

/** Returns the bytes of a bootloader: up to the first partition table after it, and at least its image. */
function bootloaderBytes(flash: Uint8Array, offset: number): Uint8Array {
  const imageEnd = offset + imageSizeAt(flash, offset);
  let end = Math.max(imageEnd, PARTITION_TABLE_OFFSET);
  for (let sector = end - (end % SECTOR_SIZE); sector > offset; sector -= SECTOR_SIZE) {
    if (sector >= imageEnd && tableAt(flash, sector) !== undefined) end = sector;
  }
  return flash.subarray(offset, end);
}

function imageSizeAt(flash: Uint8Array, offset: number): number {
  try {
    return parseAppImage(flash.subarray(offset)).imageSize;
  } catch (error) {
    if (isOtaError(error)) return 0;
    throw error;
  }
}

interface FoundTable {
  readonly offset: number;
  readonly table: PartitionTable;
}

/** Returns every partition table with a correct MD5 at a sector. */
function findTables(flash: Uint8Array): readonly FoundTable[] {
  const tables: FoundTable[] = [];
  for (let offset = SECTOR_SIZE; offset < flash.length; offset += SECTOR_SIZE) {
    const table = tableAt(flash, offset);
    if (table?.md5 === "valid") tables.push({ offset, table });
  }
  return tables;
}

function chooseTable(
  flash: Uint8Array,
  tables: readonly FoundTable[],
  bootloaderEnd: number,
  given: number | undefined,
): number | undefined {
  if (given !== undefined) return isTableMagic(flash, given) ? given : undefined;
  if (isTableMagic(flash, PARTITION_TABLE_OFFSET) && PARTITION_TABLE_OFFSET >= bootloaderEnd) {
    return PARTITION_TABLE_OFFSET;
  }
  const before = tables.find(({ offset, table }) => partitionsOf(table).every((entry) => entry.offset > offset));
  return (before ?? tables[0])?.offset;
}

/**
 * Returns the flash address of a file's first byte. If the file begins with a bootloader that the ROM reads at a higher
 * address, and has no bootloader at that address, it begins there if its apps (or otherwise its partition table)
 * confirm this.
 */
function startOfFile(file: Uint8Array, options: LocateOptions): number {
  if (file[0] !== APP_IMAGE_MAGIC) return 0;
  const bootloaders = findBootloaders(file, options.chip);
  const first = bootloaders.find(({ offset, inspection }) => offset === 0 && inspection.chip !== null);
  const name = options.chip ?? first?.inspection.chip;
  const start = first === undefined ? 0 : (CHIPS.find((chip) => chip.name === name)?.bootloaderOffset ?? 0);
  if (start === 0 || bootloaders.some(({ isAtRomOffset, inspection }) => isAtRomOffset && inspection.valid)) return 0;
  const tables = findTables(file);
  if (tables.length === 0) return 0;
  const begin = (shift: number): number =>
    tables.flatMap(({ table }) => appsOf(table)).filter((offset) => file[offset - shift] === APP_IMAGE_MAGIC).length;
  const [shifted, unshifted] = [begin(start), begin(0)];
  if (shifted !== unshifted) return shifted > unshifted ? start : 0;
  return tables.some(({ offset }) => offset === PARTITION_TABLE_OFFSET) ? 0 : start;
}

/** Returns the chips of the apps in a flash. */
function chipsOfApps(flash: Uint8Array, tables: readonly PartitionTable[]): readonly ChipName[] {
  const heads = tables.flatMap(appsOf).filter((offset) => flash[offset] === APP_IMAGE_MAGIC);
  return heads.flatMap((offset) => {
    const id = (flash[offset + 12] ?? 0) | ((flash[offset + 13] ?? 0) << 8);
    const chip = CHIPS.find((candidate) => candidate.id === id);
    return chip === undefined ? [] : [chip.name];
  });
}

function appsOf(table: PartitionTable): readonly number[] {
  return table.entries.filter(({ type }) => type === PartitionType.APP).map(({ offset }) => offset);
}

/** Returns all entries except the primary bootloader and partition table. */
function partitionsOf({ entries }: PartitionTable): PartitionTable["entries"] {
  const { BOOTLOADER, PARTITION_TABLE } = PartitionType;
  return entries.filter(({ type, subtype }) => !((type === BOOTLOADER || type === PARTITION_TABLE) && subtype === 0));
}

/** Returns the partition table at an address, or `undefined` if it can't be parsed. */
export function tableAt(flash: Uint8Array, offset: number): PartitionTable | undefined {
  if (!isTableMagic(flash, offset)) return undefined;
  try {
    return parsePartitionTable(flash.subarray(offset, offset + PARTITION_TABLE_SIZE));
  } catch (error) {
    if (isOtaError(error)) return undefined;
    throw error;
  }
}

function isTableMagic(bytes: Uint8Array, offset: number): boolean {
  return bytes[offset] === 0xaa && bytes[offset + 1] === 0x50;
}
