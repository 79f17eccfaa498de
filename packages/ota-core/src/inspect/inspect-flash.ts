import { formatHex } from "../format-hex.ts";
import { APP_IMAGE_MAGIC } from "../image/app-image-header.ts";
import { CHIPS, type ChipName, chipByName } from "../image/chips.ts";
import { isSelectValid, otaSlotOfSequence, parseOtadataEntry } from "../image/otadata.ts";
import { AppSubtype, DataSubtype, PartitionType } from "../image/partition-names.ts";
import {
  findPartition,
  PARTITION_TABLE_OFFSET,
  PARTITION_TABLE_SIZE,
  type PartitionEntry,
} from "../image/partition-table.ts";
import { Findings } from "./findings.ts";
import { looksEncrypted } from "./foreign-file.ts";
import { inspectApp } from "./inspect-app.ts";
import { inspectNvs, NVS_READ_SIZE_MAX } from "./inspect-nvs.ts";
import { inspectOtadata } from "./inspect-otadata.ts";
import { describePartition, inspectPartitionTable } from "./inspect-partition-table.ts";
import type {
  BootloaderInspection,
  FlashInspection,
  FlashPartition,
  Inspection,
  InspectOptions,
} from "./inspection.ts";
import {
  type FlashLocations,
  type FoundBootloader,
  flashFrom,
  type LocateOptions,
  locateInFlash,
  tableAt,
} from "./locate-flash.ts";

const SECTOR_SIZE = 0x1000;

/** Maximum number of further partition tables that a note names. */
const TABLES_NAMED_MAX = 4;

/** Known properties of a flash other than its bytes. */
export interface InspectFlashOptions extends InspectOptions, LocateOptions {}

/**
 * Inspects a flash, or the beginning of one such as a merged image: bootloader, partition table, then every partition.
 *
 * @param flash - The flash from address 0. Addresses in the result are flash addresses.
 */
export function inspectFlash(flash: Uint8Array, options: InspectFlashOptions = {}): FlashInspection {
  return inspectLocated(flash, { start: 0, ...locateInFlash(flash, options) }, options);
}

/**
 * Inspects a flash in which bootloader and partition table were found.
 *
 * @param file - The flash from address `locations.start`.
 */
export function inspectLocated(
  file: Uint8Array,
  locations: FlashLocations,
  options: InspectFlashOptions,
): FlashInspection {
  const { start, bootloader: found, tableOffset } = locations;
  const flash = start === 0 ? file : flashFrom(file, start);
  const findings = new Findings();
  const bootloader = judgeBootloader(found, options.chip, findings);
  const flashSize = smallest(bootloader?.flashSize ?? undefined, options.flashSize);
  const partitionTable =
    tableOffset === undefined
      ? null
      : inspectPartitionTable(flash.subarray(tableOffset, tableOffset + PARTITION_TABLE_SIZE), {
          tableOffset,
          flashSize,
        });
  if (partitionTable === null) {
    const place =
      options.tableOffset === undefined ? ", at 0x8000 or elsewhere" : ` at ${formatHex(options.tableOffset)}`;
    const message = `no partition table was found${place}: nothing can start`;
    const offset = options.tableOffset ?? PARTITION_TABLE_OFFSET;
    findings.problem("image/partition-table-invalid", message, offset, "/partitionTable");
  } else {
    findings.adopt(partitionTable, tableOffset ?? 0, "/partitionTable", "partition table");
  }

  const table = tableOffset === undefined ? undefined : tableAt(flash, tableOffset);
  const entries = table?.entries ?? [];
  // One limit for all partitions together: a crafted table may name the same bytes many times.
  let nvsReadMax = NVS_READ_SIZE_MAX;
  const partitions = entries.map((entry, index) => {
    const limited = { ...options, nvsReadMax };
    const partition = inspectPartition(flash, entry, slotCountOf(entries), limited, findings, `/partitions/${index}`);
    if (partition.contents?.type === "nvs") nvsReadMax -= Math.min(nvsReadMax, partition.contents.size);
    if (partition.contents !== null) {
      findings.adopt(partition.contents, entry.offset, `/partitions/${index}/contents`, entry.label);
    }
    return partition;
  });
  noteCopies(locations, findings);
  noteEnd(flash.length, partitions, findings);
  const boot = bootPartition(flash, entries);
  checkBoot(boot, partitions, bootloader, findings);
  return {
    type: "flash",
    ...findings.result(file.length),
    startsAt: start,
    chip: bootloader?.chip ?? null,
    bootloaderOffset: found?.offset ?? null,
    bootloader,
    partitionTableOffset: tableOffset ?? null,
    partitionTable,
    partitions,
    boot: boot?.label ?? null,
  };
}

function smallest(left: number | undefined, right: number | undefined): number | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return Math.min(left, right);
}

function judgeBootloader(
  found: FoundBootloader | undefined,
  chipName: ChipName | undefined,
  findings: Findings,
): BootloaderInspection | null {
  if (found === undefined) {
    const place =
      chipName === undefined ? "0x0, 0x1000 or 0x2000" : formatHex(chipByName(chipName)?.bootloaderOffset ?? 0);
    findings.problem("image/not-bootable", `no bootloader was found at ${place}: nothing can start`, 0, "/bootloader");
    return null;
  }
  const { offset, inspection, isAtRomOffset } = found;
  findings.adopt(inspection, offset, "/bootloader", "bootloader");
  const chip = CHIPS.find(({ name }) => name === (chipName ?? inspection.chip));
  if (chip !== undefined && !isAtRomOffset) {
    const [is, must] = [formatHex(offset), formatHex(chip.bootloaderOffset)];
    const message = `the bootloader for the ${chip.name} is at ${is}; its ROM looks for it at ${must}`;
    findings.problem("image/not-bootable", message, offset, "/bootloaderOffset");
  }
  return inspection;
}

/** Adds notes about the start of the file, and about further bootloaders and partition tables, which have no effect. */
function noteCopies(
  { start, bootloader, otherBootloaders, tableOffset, otherTableOffsets }: FlashLocations,
  findings: Findings,
): void {
  if (start > 0) {
    const message = `this file goes to ${formatHex(start)}: it begins with the bootloader, which the ROM reads there`;
    findings.note("image/not-bootable", message, start, "/startsAt");
  }
  for (const { offset, inspection } of otherBootloaders) {
    const what = `another bootloader${inspection.chip === null ? "" : ` for the ${inspection.chip}`} is at ${formatHex(offset)}`;
    const message = `${what}; the one at ${formatHex(bootloader?.offset ?? 0)} counts`;
    findings.note("image/not-bootable", message, offset, "/bootloaderOffset");
  }
  if (tableOffset === undefined || otherTableOffsets.length === 0) return;
  const places = otherTableOffsets
    .slice(0, TABLES_NAMED_MAX)
    .map((value) => formatHex(value))
    .join(", ");
  const more =
    otherTableOffsets.length > TABLES_NAMED_MAX ? ` and ${otherTableOffsets.length - TABLES_NAMED_MAX} more` : "";
  const others = otherTableOffsets.length === 1 ? "another partition table is" : "other partition tables are";
  const message = `${others} at ${places}${more}; the one at ${formatHex(tableOffset)} counts, unless --partition-table-offset names another`;
  findings.note("image/partition-table-invalid", message, otherTableOffsets[0], "/partitionTableOffset");
}

/** Options of an inspection, and the remaining number of NVS bytes to read. */
type LimitedOptions = InspectOptions & { readonly nvsReadMax: number };

function inspectPartition(
  flash: Uint8Array,
  entry: PartitionEntry,
  slotCount: number,
  options: LimitedOptions,
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
  options: LimitedOptions,
  findings: Findings,
  path: string,
): Inspection | null {
  if (entry.type === PartitionType.APP) {
    if (bytes[0] === APP_IMAGE_MAGIC) return inspectApp(bytes, "partition");
    const isEncrypted = looksEncrypted(bytes);
    const what = isEncrypted ? "data that looks encrypted" : "no app";
    const message = `${entry.label} contains ${what}; an app begins with 0xe9`;
    findings.problem(isEncrypted ? "image/encrypted" : "image/not-bootable", message, entry.offset, path);
    return null;
  }
  if (entry.type !== PartitionType.DATA) return null;
  const whole = padded(bytes, entry.size);
  if (entry.subtype === DataSubtype.OTA) return inspectOtadata(whole, slotCount);
  if (entry.subtype === DataSubtype.NVS) {
    return inspectNvs(whole, options.showSecrets === true, options.nvsReadMax);
  }
  return null;
}

/** Pads a data partition that the end of the file truncates. The missing bytes count as erased. */
function padded(bytes: Uint8Array, size: number): Uint8Array {
  if (bytes.length === size) return bytes;
  // The size comes from the table, so it is limited to what a partition of these types needs.
  const whole = new Uint8Array(Math.max(bytes.length, Math.min(size, 0x10_0000))).fill(0xff);
  whole.set(bytes);
  return whole;
}

function noteEnd(size: number, partitions: readonly FlashPartition[], findings: Findings): void {
  const missing = partitions.filter(({ present }) => present !== "whole").map(({ label }) => label);
  if (missing.length === 0) return;
  const message = `the file ends at ${formatHex(size)}, before the end of ${missing.join(", ")}; the missing bytes count as erased`;
  findings.note("image/truncated", message, size, "/partitions");
}

/**
 * Returns the partition that the bootloader tries first without rollback
 * (`bootloader_utility_get_selected_boot_partition`).
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
    const message = `${label} contains an app for the ${contents.chip}, but the bootloader is for the ${bootloader.chip}`;
    findings.problem("image/wrong-chip", message, offset, `/partitions/${index}`);
  }
  const partition = partitions.find(({ offset }) => offset === boot?.offset);
  if (boot === undefined || partition === undefined || partition.present === "none") return;
  if (partition.contents?.type === "app-image" && partition.contents.valid) return;
  const message = `the bootloader would start ${boot.label} at ${formatHex(boot.offset)}, which contains no valid app`;
  findings.problem("image/not-bootable", message, boot.offset, "/boot");
}

/** Returns the number of slots as the bootloader counts them: all entries, not only consecutive ones as in the app. */
function slotCountOf(entries: readonly PartitionEntry[]): number {
  return entries.filter(({ type, subtype }) => type === PartitionType.APP && (subtype & 0xf0) === AppSubtype.OTA_0)
    .length;
}
