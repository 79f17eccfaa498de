import { concatBytes } from "../bytes.ts";
import {
  isSelectValid,
  OTADATA_ENTRY_SIZE,
  OTADATA_SECTOR_SIZE,
  OTADATA_SIZE,
  type OtadataEntry,
  otadataCrc,
  otaSlotOfSequence,
  otaStateName,
  parseOtadata,
} from "../image/otadata.ts";
import { Findings } from "./findings.ts";
import type { InspectedOtadataEntry, OtadataInspection } from "./inspection.ts";

/**
 * Inspects an otadata partition. The missing bytes of a truncated one count as erased.
 *
 * @param slotCount - Number of OTA slots in the partition table, if known.
 */
export function inspectOtadata(bytes: Uint8Array, slotCount?: number): OtadataInspection {
  const findings = new Findings();
  if (bytes.length < OTADATA_SIZE) {
    const message = `otadata is ${bytes.length} bytes; it must be two sectors of 4 KiB (${OTADATA_SIZE} bytes)`;
    findings.problem("image/truncated", message, bytes.length);
  }
  const missing = new Uint8Array(Math.max(0, OTADATA_SIZE - bytes.length)).fill(0xff);
  const { entries, active } = parseOtadata(concatBytes([bytes, missing]));
  const inspected = entries.map((entry, index) => describe(entry, index * OTADATA_SECTOR_SIZE, slotCount));
  for (const [index, { blank, crcMatches, counts, state, offset }] of inspected.entries()) {
    const path = `/entries/${index}`;
    if (!blank && !crcMatches) {
      const message = `the CRC of entry ${index} is wrong: it is torn and doesn't count`;
      // A power cut leaves at most one torn entry. Nothing is lost if the other one is valid.
      if (active === undefined) findings.problem("image/otadata-invalid", message, offset, path);
      else findings.note("image/otadata-invalid", message, offset, path);
    } else if (!blank && !counts) {
      findings.note("image/otadata-invalid", `entry ${index} is ${state}: its slot was rejected`, offset, path);
    }
  }
  if (inspected.every(({ blank }) => blank)) {
    findings.note("image/empty", "no slot is selected yet: the bootloader starts factory, or the first slot", 0);
  }
  return { type: "otadata", ...findings.result(bytes.length), entries: inspected, active: active ?? null };
}

/**
 * Returns `true` if a file is an otadata partition: each sector contains at most one entry, and at least one entry has
 * a valid CRC.
 */
export function looksLikeOtadata(bytes: Uint8Array): boolean {
  if (bytes.length < OTADATA_ENTRY_SIZE || bytes.length > OTADATA_SIZE) return false;
  const missing = new Uint8Array(OTADATA_SIZE - bytes.length).fill(0xff);
  const whole = concatBytes([bytes, missing]);
  for (let offset = 0; offset < OTADATA_SIZE; offset += OTADATA_SECTOR_SIZE) {
    const rest = whole.subarray(offset + OTADATA_ENTRY_SIZE, offset + OTADATA_SECTOR_SIZE);
    if (rest.some((byte) => byte !== 0xff)) return false;
  }
  const { entries } = parseOtadata(whole);
  return bytes.length === OTADATA_SIZE || entries.some(isSelectValid);
}

function describe(entry: OtadataEntry, offset: number, slotCount: number | undefined): InspectedOtadataEntry {
  const blank = entry.sequence === 0xffff_ffff;
  const crcMatches = entry.crc === otadataCrc(entry.sequence);
  const isKnown = slotCount !== undefined && slotCount > 0 && !blank;
  return {
    offset,
    sequence: entry.sequence,
    state: otaStateName(entry.state),
    crcMatches,
    blank,
    counts: isSelectValid(entry),
    slot: isKnown ? otaSlotOfSequence(entry.sequence, slotCount) : null,
  };
}
