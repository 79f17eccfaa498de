import { isOtaError } from "../errors.ts";
import { formatPartitionCsv, parsePartitionCsv } from "../image/partition-csv.ts";
import { AppSubtype, DataSubtype, PartitionType } from "../image/partition-names.ts";
import type { PartitionEntry } from "../image/partition-table.ts";
import type { SuggestedTable } from "./inspection.ts";

const SECTOR_SIZE = 0x1000;
const SLOT_ALIGNMENT = 0x1_0000;
/** Maximum size of a slot on chips with narrow cache addresses, in bytes. */
const SLOT_SIZE_MAX = 0x100_0000;
/** Smallest useful file system partition, in bytes. Smaller ones are omitted. */
const DATA_SIZE_MIN = 0x4000;

/**
 * Suggests a partition table that allows updates, as similar to the given one as possible. Data partitions before the
 * first app stay where they are, so that NVS keeps its values; `otadata` and two equal slots follow, then the other
 * data partitions. Slots are as large as the flash allows. If they would be smaller than the current app partition,
 * other data partitions shrink.
 *
 * @param entries - The table to change.
 * @param flashSize - Size of the flash in bytes.
 * @param tableOffset - Offset of the partition table in flash, in bytes.
 * @returns `undefined` if the flash is too small, or the entries don't form a valid table.
 */
export function suggestOtaTable(
  entries: readonly PartitionEntry[],
  flashSize: number,
  tableOffset: number,
): SuggestedTable | undefined {
  const apps = entries.filter(({ type }) => type === PartitionType.APP);
  const firstAppOffset = Math.min(...apps.map(({ offset }) => offset), flashSize);
  const others = entries.filter(
    (entry) => entry.type !== PartitionType.APP && !isOtadata(entry) && !isPrimary(entry) && entry.size > 0,
  );
  const front = others
    .filter(({ offset }) => offset < firstAppOffset)
    .sort((left, right) => left.offset - right.offset);
  const rest = others.filter((entry) => !front.includes(entry));

  let end = tableOffset + SECTOR_SIZE;
  const placed: PartitionEntry[] = [];
  const place = (entry: PartitionEntry, alignment: number) => {
    const offset = align(end, alignment);
    placed.push({ ...entry, offset: Math.max(offset, placed.length < front.length ? entry.offset : 0) });
    end = (placed.at(-1)?.offset ?? 0) + entry.size;
  };
  for (const entry of front) place(entry, SECTOR_SIZE);
  place(otadata(), SECTOR_SIZE);

  const available = flashSize - align(end, SLOT_ALIGNMENT);
  const wanted = Math.max(0, ...apps.map(({ size }) => size));
  const slotSize = chooseSlotSize(available, wanted, rest);
  if (slotSize < SLOT_ALIGNMENT) return undefined;
  for (const slot of [0, 1]) place(otaSlot(slot, slotSize), SLOT_ALIGNMENT);
  for (const entry of rest) {
    const size = Math.min(align(entry.size, SECTOR_SIZE), flashSize - align(end, SECTOR_SIZE));
    if (size >= Math.min(entry.size, DATA_SIZE_MIN)) place({ ...entry, size }, SECTOR_SIZE);
  }
  const csv = formatChecked(placed, tableOffset);
  return csv === undefined ? undefined : { flashSize, slotSize, csv };
}

/**
 * Returns the size of each of the two slots in bytes: the space beside the data, but at least the app's current size.
 */
function chooseSlotSize(available: number, wanted: number, rest: readonly PartitionEntry[]): number {
  const restSize = rest.reduce((sum, { size }) => sum + align(size, SECTOR_SIZE), 0);
  const half = (size: number) => Math.floor(size / 2 / SLOT_ALIGNMENT) * SLOT_ALIGNMENT;
  const beside = half(available - restSize);
  const least = Math.min(align(wanted, SLOT_ALIGNMENT), half(available));
  return Math.min(Math.max(beside, least), SLOT_SIZE_MAX);
}

function formatChecked(entries: readonly PartitionEntry[], tableOffset: number): string | undefined {
  try {
    const csv = formatPartitionCsv({ entries });
    parsePartitionCsv(csv, { tableOffset });
    return csv;
  } catch (error) {
    if (isOtaError(error)) return undefined;
    throw error;
  }
}

function otadata(): PartitionEntry {
  const { DATA } = PartitionType;
  return { label: "otadata", type: DATA, subtype: DataSubtype.OTA, offset: 0, size: 2 * SECTOR_SIZE, flags: 0 };
}

function otaSlot(slot: number, size: number): PartitionEntry {
  return { label: `ota_${slot}`, type: PartitionType.APP, subtype: AppSubtype.OTA_0 + slot, offset: 0, size, flags: 0 };
}

function isOtadata({ type, subtype }: PartitionEntry): boolean {
  return type === PartitionType.DATA && subtype === DataSubtype.OTA;
}

function isPrimary({ type, subtype }: PartitionEntry): boolean {
  return (type === PartitionType.BOOTLOADER || type === PartitionType.PARTITION_TABLE) && subtype === 0;
}

function align(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}
