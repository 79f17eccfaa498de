import { isOtaError } from "../errors.ts";
import { APP_IMAGE_MAGIC } from "../image/app-image-header.ts";
import { CHIPS } from "../image/chips.ts";
import { isSelectValid, otaSlotOfSequence, parseOtadataEntry } from "../image/otadata.ts";
import { AppSubtype, DataSubtype, PartitionType } from "../image/partition-names.ts";
import {
  findPartition,
  PARTITION_TABLE_OFFSET,
  PARTITION_TABLE_SIZE,
  type PartitionEntry,
  type PartitionTable,
  parsePartitionTable,
} from "../image/partition-table.ts";
import { Findings } from "./findings.ts";
import { isBlank, looksEncrypted } from "./foreign-file.ts";
import { inspectApp } from "./inspect-app.ts";
import { inspectNvs } from "./inspect-nvs.ts";
import { inspectOtadata } from "./inspect-otadata.ts";
import { describePartition, inspectPartitionTable } from "./inspect-partition-table.ts";
import type {
  BootloaderInspection,
  FlashInspection,
  FlashPartition,
  Inspection,
  InspectOptions,
} from "./inspection.ts";

const SECTOR_SIZE = 0x1000;

/** Where the ROMs of all chips look for the bootloader, in bytes. */
const BOOTLOADER_OFFSETS: readonly number[] = [...new Set(CHIPS.map(({ bootloaderOffset }) => bootloaderOffset))].sort(
  (left, right) => left - right,
);

/**
 * Where a flash has its partition table, in bytes: at 0x8000, else at the first sector that holds one with a right MD5.
 *
 * @returns `undefined` where there is none.
 */
export function findPartitionTable(flash: Uint8Array): number | undefined {
  if (tableAt(flash, PARTITION_TABLE_OFFSET) !== undefined) return PARTITION_TABLE_OFFSET;
  for (let offset = SECTOR_SIZE; offset + PARTITION_TABLE_SIZE <= flash.length; offset += SECTOR_SIZE) {
    if (tableAt(flash, offset)?.md5 === "valid") return offset;
  }
  return isTableMagic(flash, PARTITION_TABLE_OFFSET) ? PARTITION_TABLE_OFFSET : undefined;
}

/** Where a flash has a bootloader, in bytes, if everything before it is blank. */
export function findBootloader(flash: Uint8Array): number | undefined {
  return BOOTLOADER_OFFSETS.find((offset) => {
    if (flash[offset] !== APP_IMAGE_MAGIC || !isBlank(flash.subarray(0, offset))) return false;
    return inspectApp(bootloaderBytes(flash, offset, undefined), "partition").type === "bootloader";
  });
}

/**
 * Inspects a whole flash, or the beginning of one such as a merged image: bootloader, table, then every partition.
 *
 * @param tableOffset - Where its partition table is, `undefined` for none.
 */
export function inspectFlash(
  bytes: Uint8Array,
  tableOffset: number | undefined,
  options: InspectOptions,
): FlashInspection {
  const findings = new Findings();
  const bootloaderOffset = findBootloader(bytes);
  const bootloader = inspectBootloader(bytes, bootloaderOffset, tableOffset, findings);
  const flashSize = bootloader?.flashSize ?? options.flashSize;
  const partitionTable =
    tableOffset === undefined
      ? null
      : inspectPartitionTable(bytes.subarray(tableOffset, tableOffset + PARTITION_TABLE_SIZE), {
          tableOffset,
          flashSize,
        });
  if (partitionTable === null) {
    const message = "no partition table was found, at 0x8000 or elsewhere: nothing can start";
    findings.problem("image/partition-table-invalid", message, PARTITION_TABLE_OFFSET, "/partitionTable");
  } else {
    findings.adopt(partitionTable, tableOffset ?? 0, "/partitionTable", "partition table");
  }

  const table = tableOffset === undefined ? undefined : tableAt(bytes, tableOffset);
  const entries = table?.entries ?? [];
  const partitions = entries.map((entry, index) => {
    const partition = inspectPartition(bytes, entry, slotCountOf(entries), options, findings, `/partitions/${index}`);
    if (partition.contents !== null) {
      findings.adopt(partition.contents, entry.offset, `/partitions/${index}/contents`, entry.label);
    }
    return partition;
  });
  noteEnd(bytes.length, partitions, findings);
  const boot = bootPartition(bytes, entries);
  checkBoot(boot, partitions, bootloader, findings);
  return {
    type: "flash",
    ...findings.result(bytes.length),
    chip: bootloader?.chip ?? null,
    bootloaderOffset: bootloaderOffset ?? null,
    bootloader,
    partitionTableOffset: tableOffset ?? null,
    partitionTable,
    partitions,
    boot: boot?.label ?? null,
  };
}

function inspectBootloader(
  bytes: Uint8Array,
  offset: number | undefined,
  tableOffset: number | undefined,
  findings: Findings,
): BootloaderInspection | null {
  const found = offset === undefined ? undefined : inspectApp(bootloaderBytes(bytes, offset, tableOffset), "partition");
  if (found?.type !== "bootloader" || offset === undefined) {
    const message = "no bootloader was found at 0x0, 0x1000 or 0x2000: nothing can start";
    findings.problem("image/not-bootable", message, 0, "/bootloader");
    return null;
  }
  findings.adopt(found, offset, "/bootloader", "bootloader");
  const chip = CHIPS.find(({ name }) => name === found.chip);
  if (chip !== undefined && chip.bootloaderOffset !== offset) {
    const [is, must] = [hex(offset), hex(chip.bootloaderOffset)];
    const message = `the bootloader for the ${chip.name} is at ${is}; its ROM looks for it at ${must}`;
    findings.problem("image/not-bootable", message, offset, "/bootloaderOffset");
  }
  return found;
}

/** What the flash has for a bootloader: up to the table. */
function bootloaderBytes(flash: Uint8Array, offset: number, tableOffset: number | undefined): Uint8Array {
  const end = tableOffset !== undefined && tableOffset > offset ? tableOffset : PARTITION_TABLE_OFFSET;
  return flash.subarray(offset, Math.max(end, offset));
}

function inspectPartition(
  flash: Uint8Array,
  entry: PartitionEntry,
  slotCount: number,
  options: InspectOptions,
  findings: Findings,
  path: string,
): FlashPartition {
  const bytes = flash.subarray(entry.offset, entry.offset + entry.size);
  const present = bytes.length === entry.size ? "whole" : bytes.length > 0 ? "part" : "none";
  const erased = present !== "none" && bytes.every((byte) => byte === 0xff);
  const partition = { ...describePartition(entry), present, erased } as const;
  if (present === "none" || erased) return { ...partition, contents: null };
  return { ...partition, contents: inspectContents(bytes, entry, slotCount, options, findings, path) };
}

function inspectContents(
  bytes: Uint8Array,
  entry: PartitionEntry,
  slotCount: number,
  options: InspectOptions,
  findings: Findings,
  path: string,
): Inspection | null {
  if (entry.type === PartitionType.APP) {
    if (bytes[0] === APP_IMAGE_MAGIC) return inspectApp(bytes, "partition");
    const isEncrypted = looksEncrypted(bytes);
    const what = isEncrypted ? "data that looks encrypted" : "no app";
    const message = `${entry.label} holds ${what}: an app begins with 0xe9`;
    findings.problem(isEncrypted ? "image/encrypted" : "image/not-bootable", message, entry.offset, path);
    return null;
  }
  if (entry.type !== PartitionType.DATA) return null;
  const whole = padded(bytes, entry.size);
  if (entry.subtype === DataSubtype.OTA) return inspectOtadata(whole, slotCount);
  if (entry.subtype === DataSubtype.NVS) return inspectNvs(whole, options.showSecrets === true);
  return null;
}

/** A data partition that the file ends in: what isn't written stays erased. */
function padded(bytes: Uint8Array, size: number): Uint8Array {
  // The size comes from the table, so that it is only believed as far as a partition of these kinds is large.
  const whole = new Uint8Array(Math.max(bytes.length, Math.min(size, 0x10_0000))).fill(0xff);
  whole.set(bytes);
  return whole;
}

function noteEnd(size: number, partitions: readonly FlashPartition[], findings: Findings): void {
  const missing = partitions.filter(({ present }) => present !== "whole").map(({ label }) => label);
  if (missing.length === 0) return;
  const message = `the file ends at ${hex(size)}, before the end of ${missing.join(", ")}; what is missing is taken as erased`;
  findings.note("image/truncated", message, size, "/partitions");
}

/**
 * Which partition the bootloader would try first (`bootloader_utility_get_selected_boot_partition`), with rollback off.
 */
function bootPartition(flash: Uint8Array, entries: readonly PartitionEntry[]): PartitionEntry | undefined {
  const table = { entries };
  const factory = findPartition(table, PartitionType.APP, AppSubtype.FACTORY);
  const slot = (index: number) => findPartition(table, PartitionType.APP, AppSubtype.OTA_0 + index);
  const otadata = findPartition(table, PartitionType.DATA, DataSubtype.OTA);
  const slotCount = slotCountOf(entries);
  if (otadata === undefined || slotCount === 0) return factory ?? slot(0);
  const valid = [0, SECTOR_SIZE]
    .map((start) => flash.subarray(otadata.offset + start, otadata.offset + otadata.size))
    .filter((bytes) => bytes.length >= 32)
    .map((bytes) => parseOtadataEntry(bytes))
    .filter(isSelectValid);
  if (valid.length === 0) return factory ?? slot(0);
  return slot(otaSlotOfSequence(Math.max(...valid.map(({ sequence }) => sequence)), slotCount));
}

function checkBoot(
  boot: PartitionEntry | undefined,
  partitions: readonly FlashPartition[],
  bootloader: BootloaderInspection | null,
  findings: Findings,
): void {
  for (const [index, { label, contents, offset }] of partitions.entries()) {
    if (contents?.type !== "app-image" || bootloader === null || contents.chip === bootloader.chip) continue;
    const message = `${label} holds an app for the ${contents.chip}, but the bootloader is for the ${bootloader.chip}`;
    findings.problem("image/wrong-chip", message, offset, `/partitions/${index}`);
  }
  const partition = partitions.find(({ offset }) => offset === boot?.offset);
  if (boot === undefined || partition === undefined || partition.present === "none") return;
  if (partition.contents?.type === "app-image" && partition.contents.valid) return;
  const message = `the bootloader would start ${boot.label} at ${hex(boot.offset)}, which holds no sound app`;
  findings.problem("image/not-bootable", message, boot.offset, "/boot");
}

/** How many slots the bootloader counts: entries, not the run of numbers that the app counts. */
function slotCountOf(entries: readonly PartitionEntry[]): number {
  return entries.filter(({ type, subtype }) => type === PartitionType.APP && (subtype & 0xf0) === AppSubtype.OTA_0)
    .length;
}

function tableAt(flash: Uint8Array, offset: number): PartitionTable | undefined {
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

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
