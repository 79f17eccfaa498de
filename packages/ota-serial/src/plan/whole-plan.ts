import { isOtaError, OtaError } from "@tinybms/ota-core";
import {
  APP_IMAGE_MAGIC,
  DataSubtype,
  findPartition,
  OTADATA_SIZE,
  PARTITION_TABLE_OFFSET,
  PARTITION_TABLE_SIZE,
  type PartitionTable,
  PartitionType,
  parseAppImage,
  parseOtadata,
  parsePartitionTable,
  SIGNATURE_SECTOR_SIZE,
  verifyAppImage,
} from "@tinybms/ota-core/esp";
import { type FlashPart, SECTOR_SIZE } from "../flash/regions.ts";
import type { Board } from "../loader/board.ts";
import { appPartitions, type BoardLayout, bootingSlot, IMAGE_HEAD_SIZE, slotOf } from "./board-layout.ts";
import { assertBuildChip, assertChip, assertFits, assertSecurity, type FlashImage } from "./check-image.ts";
import { checkStart } from "./check-start.ts";
import { type FlashPlan, nvsPart, startingApp } from "./flash-plan.ts";
import { type FlashSettingNames, settleParts } from "./settle-parts.ts";

/** Options of {@link planWholeFlash}. */
export interface WholeFlashOptions {
  /** Content for the NVS partition of the partition table that is written. */
  readonly nvs?: Uint8Array | undefined;
  /** Leaves otadata unchanged if no part covers it. */
  readonly keepOtadata: boolean;
  /** Offset of the partition table. @defaultValue 0x8000 */
  readonly tableOffset?: number | undefined;
  /** Flash settings for the bootloader's header. */
  readonly settings?: FlashSettingNames | undefined;
  /** Name of the chip that the parts are built for, if known. */
  readonly chip?: string | undefined;
  /** Also flashes parts that the board would not start. */
  readonly force?: boolean | undefined;
}

/**
 * Plans how to write parts at fixed offsets: a whole flash or pieces of it.
 *
 * If the parts contain a partition table but no otadata, the plan erases otadata: old entries would select another slot
 * than the one that was written ("stale otadata").
 *
 * @throws {@link OtaError} `serial/parts-overlap`.
 * @throws {@link OtaError} `serial/does-not-fit`.
 * @throws {@link OtaError} `serial/wrong-chip`.
 * @throws {@link OtaError} `serial/chip-revision`.
 * @throws {@link OtaError} `serial/secure-boot`.
 * @throws {@link OtaError} `serial/flash-encrypted`.
 * @throws {@link OtaError} `serial/no-partition`.
 * @throws {@link OtaError} `serial/would-not-start`.
 * @throws {@link OtaError} `arguments/invalid`.
 * @throws {@link OtaError} `image/…` for an image that is not whole.
 */
export function planWholeFlash(
  port: string,
  board: Board,
  given: readonly FlashPart[],
  options: WholeFlashOptions,
): FlashPlan {
  const { nvs, keepOtadata, tableOffset = PARTITION_TABLE_OFFSET, settings = {}, chip, force = false } = options;
  if (chip !== undefined) assertBuildChip(port, board, chip);
  const found = given.filter(({ bytes }) => bytes[0] === APP_IMAGE_MAGIC).map((part) => imageOf(part));
  for (const { image } of found) assertChip(port, board, image);
  const isSigned = found.every(({ image }) => image.image.trailingSize >= SIGNATURE_SECTOR_SIZE);
  assertSecurity(port, board, found.length > 0 && isSigned);
  const settled = settleParts(board, given, settings, ({ offset }) => imageAt(found, offset)?.image.image);
  const { parts } = settled;
  const table = tableAmong(parts, tableOffset);
  const all = [...parts];
  const warnings = [overwriteWarning(port, parts), ...settled.warnings];
  for (const part of parts) assertInsideFlash(port, board, part);
  if (table !== undefined) {
    assertTableFits(port, board, table);
    if (nvs !== undefined) all.push(nvsPart(port, { table }, nvs));
    const stale = keepOtadata ? undefined : blankOtadata(table, parts);
    if (stale !== undefined) {
      all.push(stale);
      warnings.push("otadata is erased too: an old entry in it would select another slot than the one that is written");
    }
    for (const { name, partition } of appPartitions(table)) {
      const app = parts.find(({ offset }) => offset === partition.offset);
      if (app !== undefined) assertFits(port, `${app.name} (${name})`, app.bytes.length, { partition }, board);
    }
  } else if (nvs !== undefined) {
    const message = "--nvs needs a partition table among the written parts, which says where NVS goes";
    throw new OtaError("arguments/invalid", message, { option: "--nvs" });
  }
  assertNoOverlap(port, all);
  warnings.push(...checkStart(port, board, all, { tableOffset, keepOtadata, force }));
  const app = table === undefined ? undefined : bootedApp(table, all, found);
  return {
    steps: [all],
    keeps: [],
    app: app === undefined ? undefined : startingApp(app.image),
    slot: app?.slot,
    isRisky: true,
    warnings,
  };
}

interface PlacedImage {
  readonly offset: number;
  readonly image: FlashImage;
}

function imageOf({ name, offset, bytes }: FlashPart): PlacedImage {
  try {
    const image = parseAppImage(bytes);
    verifyAppImage(image);
    return { offset, image: { name, bytes, image } };
  } catch (error) {
    if (!isOtaError(error)) throw error;
    throw new OtaError(error.code, `${name}: ${error.message}`, error.details, { cause: error });
  }
}

function imageAt(images: readonly PlacedImage[], offset: number): PlacedImage | undefined {
  return images.find((image) => image.offset === offset);
}

/** Checks that a part ends inside the flash. */
function assertInsideFlash(port: string, { flashSize }: Board, { name, offset, bytes }: FlashPart): void {
  const end = offset + bytes.length;
  if (end <= flashSize) return;
  const message = `${name} at 0x${offset.toString(16)} ends at 0x${end.toString(16)}, past the end of the flash of the board on ${port}, which has ${flashSize} bytes`;
  throw new OtaError("serial/does-not-fit", message, { port, part: name, size: end, limit: flashSize });
}

function tableAmong(parts: readonly FlashPart[], tableOffset: number): PartitionTable | undefined {
  const bytes = sliceAt(parts, tableOffset, PARTITION_TABLE_SIZE);
  return bytes === undefined ? undefined : parsePartitionTable(bytes);
}

/** Returns `size` bytes at an offset from the part that covers the offset, padded with 0xff if the part ends earlier. */
function sliceAt(parts: readonly FlashPart[], offset: number, size: number): Uint8Array | undefined {
  const part = parts.find(
    (candidate) => candidate.offset <= offset && offset < candidate.offset + candidate.bytes.length,
  );
  if (part === undefined) return undefined;
  const bytes = new Uint8Array(size).fill(0xff);
  bytes.set(part.bytes.subarray(offset - part.offset, offset - part.offset + size));
  return bytes;
}

/** Checks that every partition fits in the flash. */
function assertTableFits(port: string, board: Board, table: PartitionTable): void {
  for (const partition of table.entries) assertFits(port, partition.label, 0, { partition }, board);
}

function blankOtadata(table: PartitionTable, parts: readonly FlashPart[]): FlashPart | undefined {
  const partition = findPartition(table, PartitionType.DATA, DataSubtype.OTA);
  if (partition === undefined || sliceAt(parts, partition.offset, 1) !== undefined) return undefined;
  return { name: "otadata", offset: partition.offset, bytes: new Uint8Array(OTADATA_SIZE).fill(0xff) };
}

/** Returns the app that the bootloader will start, if the parts contain it. */
function bootedApp(
  table: PartitionTable,
  parts: readonly FlashPart[],
  images: readonly PlacedImage[],
): { readonly image: FlashImage; readonly slot: FlashPlan["slot"] } | undefined {
  const partition = findPartition(table, PartitionType.DATA, DataSubtype.OTA);
  const bytes = partition === undefined ? undefined : sliceAt(parts, partition.offset, OTADATA_SIZE);
  const content = bytes === undefined ? undefined : parseOtadata(bytes);
  const otadata = partition === undefined || content === undefined ? undefined : { partition, content };
  const slots: BoardLayout["slots"] = appPartitions(table).map((slot) =>
    slotOf(
      slot.name,
      slot.partition,
      sliceAt(parts, slot.partition.offset, IMAGE_HEAD_SIZE) ?? new Uint8Array(IMAGE_HEAD_SIZE),
    ),
  );
  const slot = bootingSlot({ slots, otadata });
  const placed = slot === undefined ? undefined : imageAt(images, slot.partition.offset);
  return placed === undefined ? undefined : { image: placed.image, slot: slot?.name };
}

function assertNoOverlap(port: string, parts: readonly FlashPart[]): void {
  const sorted = [...parts].sort((left, right) => left.offset - right.offset);
  for (const [index, part] of sorted.entries()) {
    const next = sorted[index + 1];
    const end = Math.ceil((part.offset + part.bytes.length) / SECTOR_SIZE) * SECTOR_SIZE;
    if (next === undefined || end <= next.offset) continue;
    const message = `${part.name} reaches to 0x${end.toString(16)} with its last sector, over ${next.name} at 0x${next.offset.toString(16)}`;
    throw new OtaError("serial/parts-overlap", message, { port, parts: [part.name, next.name] });
  }
}

function overwriteWarning(port: string, parts: readonly FlashPart[]): string {
  const places = parts.map(({ offset }) => `0x${offset.toString(16)}`).join(", ");
  return `the flash of the board on ${port} is overwritten at ${places}: if flashing is interrupted, the board may not start until it is flashed again`;
}
