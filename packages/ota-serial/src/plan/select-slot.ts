import {
  buildOtadataEntry,
  OTADATA_ENTRY_SIZE,
  OTADATA_SECTOR_SIZE,
  OTADATA_SIZE,
  type Otadata,
  OtaImageState,
  otadataEntry,
  otaSlotOfSequence,
} from "@tinybms/ota-core/esp";
import type { FlashPart } from "../flash/regions.ts";
import type { BoardLayout, SlotName } from "./board-layout.ts";

/** Largest sequence number. The next one, 0xffffffff, is that of an erased entry. */
const SEQUENCE_MAX = 0xffff_fffe;

/**
 * Returns the parts to write to otadata so that a slot boots.
 *
 * An older entry that selects another slot would keep the new app from starting ("stale otadata"). So `factory` needs both
 * entries erased, and an OTA slot needs an entry with a higher sequence number in the sector that is not active. After a
 * power cut in between, one of the two entries is active.
 *
 * The entry's state is `UNDEFINED`, as without rollback: a person who flashes by cable sees whether the app starts, and an
 * app that never confirms itself is not rolled back at its second start.
 *
 * @param slotCount - Number of OTA slots in the partition table.
 * @returns Empty if the slot is already selected or there is no otadata.
 */
export function selectSlot(slot: SlotName, slotCount: number, otadata: BoardLayout["otadata"]): readonly FlashPart[] {
  if (otadata === undefined) return [];
  const { partition, content } = otadata;
  const part = (sector: number, bytes: Uint8Array): FlashPart => ({
    name: "otadata",
    offset: partition.offset + sector * OTADATA_SECTOR_SIZE,
    bytes,
  });
  if (slot === "factory") {
    return content.active === undefined ? [] : [part(0, new Uint8Array(OTADATA_SIZE).fill(0xff))];
  }
  const index = Number(slot.slice("ota_".length));
  if (isSelected(content, index, slotCount)) return [];
  const { active } = content;
  const above = active === undefined ? 0 : content.entries[active].sequence;
  const sequence = above + 1 + ((((index - above) % slotCount) + slotCount) % slotCount);
  if (sequence <= SEQUENCE_MAX) return [part(active === 0 ? 1 : 0, sectorOf(sequence))];
  const blank = new Uint8Array(OTADATA_SECTOR_SIZE).fill(0xff);
  return [part(0, sectorOf(index + 1)), part(1, blank)];
}

/** Returns `true` if otadata selects a slot and its app is not waiting for confirmation. */
function isSelected({ active, entries }: Otadata, index: number, slotCount: number): boolean {
  if (active === undefined) return false;
  const { sequence, state } = entries[active];
  const isOnTrial = state === OtaImageState.NEW || state === OtaImageState.PENDING_VERIFY;
  return !isOnTrial && otaSlotOfSequence(sequence, slotCount) === index;
}

function sectorOf(sequence: number): Uint8Array {
  const bytes = new Uint8Array(OTADATA_SECTOR_SIZE).fill(0xff);
  bytes.set(buildOtadataEntry(otadataEntry(sequence, OtaImageState.UNDEFINED)).subarray(0, OTADATA_ENTRY_SIZE));
  return bytes;
}
