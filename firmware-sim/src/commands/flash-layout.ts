import { OtaError } from "@tinybms/ota-core";
import {
  AppSubtype,
  type Chip,
  DataSubtype,
  findPartition,
  PARTITION_TABLE_OFFSET,
  type PartitionEntry,
  type PartitionTable,
  PartitionType,
} from "@tinybms/ota-core/esp";
import { SECTOR_SIZE } from "../flash/sector-store.ts";

/** An input file. */
export interface FlashInput {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** Contents of a flash. */
export interface FlashInputs {
  readonly chip: Chip;
  readonly table: Pick<PartitionTable, "entries">;
  /** Flash offset of the table, in bytes. @defaultValue 0x8000 */
  readonly tableOffset?: number | undefined;
  /** The table in binary form. */
  readonly tableBytes: FlashInput;
  readonly bootloader: FlashInput | undefined;
  readonly app: FlashInput;
  readonly nvs: FlashInput | undefined;
  readonly partitions: readonly (FlashInput & { readonly label: string })[];
}

/** A part of a flash with its location. */
export interface LaidOutPart extends FlashInput {
  /** `bootloader`, `partition-table`, or the partition's label. */
  readonly name: string;
  /** Offset in the flash, in bytes. */
  readonly offset: number;
}

/**
 * Assigns a location to each part.
 *
 * @returns The parts in order of their offsets, without overlap.
 * @throws {@link OtaError} `simulation/does-not-fit` if a part has no partition, is too large, overlaps another part, or
 *   is an NVS of a different size than its partition; `arguments/invalid` if two parts have the same partition.
 */
export function layOutFlash(inputs: FlashInputs): LaidOutPart[] {
  const { chip, table, tableOffset = PARTITION_TABLE_OFFSET, tableBytes, bootloader, app, nvs, partitions } = inputs;
  const parts: LaidOutPart[] = [{ name: "partition-table", offset: tableOffset, ...tableBytes }];
  assertFits(tableBytes, { label: "the partition table's sector", size: SECTOR_SIZE });
  if (bootloader !== undefined) {
    const offset = chip.bootloaderOffset;
    assertFits(bootloader, { label: "the space before the partition table", size: tableOffset - offset });
    parts.push({ name: "bootloader", offset, ...bootloader });
  }
  const put = (input: FlashInput, place: PartitionEntry) => {
    assertFits(input, place);
    if (parts.some(({ name }) => name === place.label)) {
      throw new OtaError("arguments/invalid", `two files are given for partition ${place.label}`, {
        option: "--partition",
      });
    }
    parts.push({ name: place.label, offset: place.offset, file: input.file, bytes: input.bytes });
  };
  const { APP } = PartitionType;
  const factory = findPartition(table, APP, AppSubtype.FACTORY) ?? findPartition(table, APP, AppSubtype.OTA_0);
  put(app, factory ?? missing(app, "factory, and no ota_0"));
  if (nvs !== undefined) put(nvs, nvsPartition(table, nvs));
  for (const input of partitions) {
    put(input, table.entries.find(({ label }) => label === input.label) ?? missing(input, input.label));
  }
  parts.sort((left, right) => left.offset - right.offset);
  assertApart(parts);
  return parts;
}

/** Merges parts into one image. Fills all other bytes, up to `sizeBytes`, with 0xFF. */
export function mergeParts(parts: readonly LaidOutPart[], sizeBytes: number): Uint8Array {
  const flash = new Uint8Array(sizeBytes).fill(0xff);
  for (const { offset, bytes } of parts) flash.set(bytes, offset);
  return flash;
}

/** Returns the NVS partition, which must have the file's size: an NVS made for another size may have no free page. */
function nvsPartition(table: Pick<PartitionTable, "entries">, nvs: FlashInput): PartitionEntry {
  const place = findPartition(table, PartitionType.DATA, DataSubtype.NVS) ?? missing(nvs, "nvs");
  const [size, limit] = [nvs.bytes.length, place.size];
  if (size === limit) return place;
  const message = `${nvs.file} has ${size} bytes, but partition ${place.label} has ${limit} (0x${limit.toString(16)})`;
  const hint = "generate it with the partition's size";
  throw new OtaError("simulation/does-not-fit", message, { partition: place.label, size, limit }, { hint });
}

/** Asserts that no parts overlap: a handmade table may have overlapping partitions. */
function assertApart(parts: readonly LaidOutPart[]): void {
  for (const [index, { name, offset, file, bytes }] of parts.entries()) {
    const next = parts[index + 1];
    if (next === undefined || offset + bytes.length <= next.offset) continue;
    const message = `${file} in ${name} would end at 0x${(offset + bytes.length).toString(16)}, after the start of ${next.name} at 0x${next.offset.toString(16)}`;
    const limit = next.offset - offset;
    throw new OtaError("simulation/does-not-fit", message, { partition: name, size: bytes.length, limit });
  }
}

function missing({ file, bytes }: FlashInput, label: string): never {
  const message = `the partition table has no ${label} for ${file}`;
  throw new OtaError("simulation/does-not-fit", message, { partition: label, size: bytes.length, limit: 0 });
}

function assertFits({ file, bytes }: FlashInput, { label, size: limit }: Pick<PartitionEntry, "label" | "size">): void {
  const { length: size } = bytes;
  if (size <= limit) return;
  const message = `${file} has ${size} bytes, but ${label} holds only ${limit}`;
  throw new OtaError("simulation/does-not-fit", message, { partition: label, size, limit });
}
