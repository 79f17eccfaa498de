import {
  AppSubtype,
  buildOtadataEntry,
  chooseActive,
  DataSubtype,
  OTA_SLOTS_MAX,
  OTADATA_ENTRY_SIZE,
  OTADATA_SECTOR_SIZE,
  type OtadataEntry,
  otadataCrc,
  otaSlotOfSequence,
  PartitionType,
  parseOtadataEntry,
} from "@tinybms/ota-core/esp";
import { EspAbort } from "../esp-err/esp-abort.ts";
import { EspErr } from "../esp-err/esp-err.ts";
import type { AppContext, EspPartition } from "./app-context.ts";
import {
  esp_partition_erase_range,
  esp_partition_find_first,
  esp_partition_read,
  esp_partition_write,
} from "./esp-partition.ts";

/** otadata as an OTA function reads it at its start. Rewriting an entry starts from this copy in RAM. */
export interface OtaSelect {
  readonly partition: EspPartition;
  readonly entries: readonly [OtadataEntry, OtadataEntry];
  /** The active entry, chosen as the bootloader does. */
  readonly active: 0 | 1 | undefined;
  /** Number of OTA slots before the first gap. */
  readonly slotCount: number;
}

/** Reads otadata (`esp_ota_ops.c:read_otadata`). @returns `undefined` if there is none or reading fails. */
export function readOtaSelect(app: AppContext): OtaSelect | undefined {
  const partition = esp_partition_find_first(app, PartitionType.DATA, DataSubtype.OTA);
  if (partition === undefined) return undefined;
  const [first, second] = [0, OTADATA_SECTOR_SIZE].map((offset) =>
    esp_partition_read(app, partition, offset, OTADATA_ENTRY_SIZE),
  );
  if (first?.err !== EspErr.ESP_OK || second?.err !== EspErr.ESP_OK) return undefined;
  const entries = [parseOtadataEntry(first.data), parseOtadataEntry(second.data)] as const;
  return { partition, entries, active: chooseActive(...entries), slotCount: countOtaSlots(app) };
}

/**
 * Rewrites an entry (`rewrite_ota_seq`): erases its sector, then writes 32 bytes. Keeps its label.
 *
 * @throws {@link PowerCut} if the flash loses power. Between the two steps, the entry is lost.
 */
export function rewriteEntry(
  app: AppContext,
  select: OtaSelect,
  sector: 0 | 1,
  { sequence = select.entries[sector].sequence, state }: { readonly sequence?: number; readonly state: number },
): number {
  const entry = { ...select.entries[sector], sequence, state, crc: otadataCrc(sequence) };
  const erased = eraseEntry(app, select, sector);
  if (erased !== EspErr.ESP_OK) return erased;
  return esp_partition_write(app, select.partition, sector * OTADATA_SECTOR_SIZE, buildOtadataEntry(entry));
}

/** Erases the sector of an entry. */
export function eraseEntry(app: AppContext, select: OtaSelect, sector: 0 | 1): number {
  return esp_partition_erase_range(app, select.partition, sector * OTADATA_SECTOR_SIZE, OTADATA_SECTOR_SIZE);
}

/** Returns the other of the two entries. */
export function otherEntry(sector: 0 | 1): 0 | 1 {
  return sector === 0 ? 1 : 0;
}

/** Counts `ota_0`, `ota_1` and so on up to the first gap (`esp_ota_get_app_partition_count`). */
export function countOtaSlots(app: AppContext): number {
  let count = 0;
  while (count < OTA_SLOTS_MAX && findOtaSlot(app, count) !== undefined) count++;
  return count;
}

/** Returns the partition of an OTA slot by its number, also behind a gap. */
export function findOtaSlot(app: AppContext, slot: number): EspPartition | undefined {
  return esp_partition_find_first(app, PartitionType.APP, AppSubtype.OTA_0 + slot);
}

/** Returns the partition that an entry selects; `undefined` if there are no OTA slots. */
export function slotOfEntry(app: AppContext, { slotCount }: OtaSelect, entry: OtadataEntry): EspPartition | undefined {
  return slotCount === 0 ? undefined : findOtaSlot(app, otaSlotOfSequence(entry.sequence, slotCount));
}

/**
 * Returns the smallest sequence number from `current` on that selects a slot (`compute_ota_seq_for_target_slot`).
 *
 * The device counts up in steps of the number of slots, in uint32. After an overflow it may find a smaller number, or loop
 * forever.
 *
 * @param current - Sequence number of the active entry, uint32.
 * @param slot - Number of the slot to select.
 * @param slotCount - Number of OTA slots, 1 to 16.
 * @throws {@link EspAbort} if the device loops forever.
 */
export function nextSequence(current: number, slot: number, slotCount: number): number {
  let sequence = (slot + 1) % slotCount;
  // Each overflow changes the remainder; after `slotCount` overflows, all remainders have occurred.
  for (let wraps = 0; wraps <= slotCount; wraps++) {
    if (sequence < current) sequence += Math.ceil((current - sequence) / slotCount) * slotCount;
    if (sequence <= 0xffff_ffff) return sequence;
    sequence -= 2 ** 32;
  }
  throw new EspAbort("compute_ota_seq_for_target_slot", `no sequence number from ${current} on selects ota_${slot}`);
}
