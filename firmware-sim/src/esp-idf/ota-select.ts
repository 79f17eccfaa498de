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

/** otadata as an OTA function reads it at its start: a copy in RAM, which rewriting goes from. */
export interface OtaSelect {
  readonly partition: EspPartition;
  readonly entries: readonly [OtadataEntry, OtadataEntry];
  /** The entry that counts, as the bootloader judges it. */
  readonly active: 0 | 1 | undefined;
  /** How many OTA slots there are without a gap. */
  readonly slotCount: number;
}

/** Reads otadata (`esp_ota_ops.c:read_otadata`), or gives `undefined` where there is none or it can't be read. */
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
 * Rewrites an entry with a state (`rewrite_ota_seq`): erases its sector, then writes 32 bytes. Its label stays.
 *
 * @throws PowerCut where the flash loses power; between the two steps the entry is lost.
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

/** The other of the two entries. */
export function otherEntry(sector: 0 | 1): 0 | 1 {
  return sector === 0 ? 1 : 0;
}

/** `esp_ota_get_app_partition_count`: `ota_0`, `ota_1` … up to the first that is missing. */
export function countOtaSlots(app: AppContext): number {
  let count = 0;
  while (count < OTA_SLOTS_MAX && findOtaSlot(app, count) !== undefined) count++;
  return count;
}

/** The partition of an OTA slot by its number, wherever the run of slots has its gap. */
export function findOtaSlot(app: AppContext, slot: number): EspPartition | undefined {
  return esp_partition_find_first(app, PartitionType.APP, AppSubtype.OTA_0 + slot);
}

/** The partition that an entry selects. @returns `undefined` if there are no OTA slots. */
export function slotOfEntry(app: AppContext, { slotCount }: OtaSelect, entry: OtadataEntry): EspPartition | undefined {
  return slotCount === 0 ? undefined : findOtaSlot(app, otaSlotOfSequence(entry.sequence, slotCount));
}

/**
 * The sequence number that selects a slot next (`compute_ota_seq_for_target_slot`): the smallest one from `current` on.
 *
 * The device counts up in steps of the number of slots, in uint32. Past the last one it wraps, and may find a smaller
 * number or nothing for ever.
 *
 * @param current - The active entry's sequence number, uint32.
 * @param slot - The number of the slot to select.
 * @param slotCount - How many OTA slots there are, 1 to 16.
 * @throws {@link EspAbort} where the device never finds one.
 */
export function nextSequence(current: number, slot: number, slotCount: number): number {
  let sequence = (slot + 1) % slotCount;
  // Each wrap changes the remainder; after as many as there are remainders all have come up.
  for (let wraps = 0; wraps <= slotCount; wraps++) {
    if (sequence < current) sequence += Math.ceil((current - sequence) / slotCount) * slotCount;
    if (sequence <= 0xffff_ffff) return sequence;
    sequence -= 2 ** 32;
  }
  throw new EspAbort("compute_ota_seq_for_target_slot", `no sequence number from ${current} on selects ota_${slot}`);
}
