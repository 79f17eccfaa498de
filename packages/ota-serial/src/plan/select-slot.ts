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

/** The largest sequence number that is used: an erased entry has one more. */
const SEQUENCE_MAX = 0xffff_fffe;

/**
 * Returns what must be written to otadata for a slot to be the one that boots.
 *
 * An entry of an earlier life that selects another slot would hide what a cable has just written ("stale otadata"): so
 * `factory` needs both entries erased, and an OTA slot an entry above the one in force, in the other sector. A power
 * cut in between leaves one of the two in force. The state is `UNDEFINED`, as without rollback: whoever flashes by
 * cable sees the app start, so it need not prove itself, and apps that can't are not rolled back at their second start.
 *
 * @param slotCount - How many OTA slots the table has.
 * @returns Nothing where the slot is selected already, or there is no otadata.
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

/** Returns whether a slot is in force, and no trial of a first start hangs over it. */
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
