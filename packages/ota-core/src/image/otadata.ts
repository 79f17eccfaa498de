import { viewOf } from "../bytes.ts";
import { crc32 } from "../crc32.ts";
import { OtaError } from "../errors.ts";

/** Size of one select entry in bytes (`esp_ota_select_entry_t`). */
export const OTADATA_ENTRY_SIZE = 32;

/** Size of a flash sector in bytes; each select entry begins one. */
export const OTADATA_SECTOR_SIZE = 4096;

/** Size of an otadata partition in bytes: two sectors. Only this much of a larger partition is read. */
export const OTADATA_SIZE: number = 2 * OTADATA_SECTOR_SIZE;

/** Sequence number of an erased entry, which is never valid. */
const BLANK_SEQUENCE = 0xffff_ffff;

const LABEL_SIZE = 20;

/** States of an OTA image (`esp_ota_img_states_t` in ESP-IDF's `esp_flash_partitions.h`). */
export const OtaImageState = {
  /** Selected by the app with rollback enabled; not started yet. */
  NEW: 0,
  /** Started once; the app has yet to confirm itself. */
  PENDING_VERIFY: 1,
  /** Confirmed by the app. */
  VALID: 2,
  /** Rejected by the app. */
  INVALID: 3,
  /** Not confirmed before the next reset. */
  ABORTED: 4,
  /** Written with rollback disabled, or erased. */
  UNDEFINED: 0xffff_ffff,
} as const;

/** One select entry as stored in flash (`esp_ota_select_entry_t`). It may be blank, torn or stale. */
export interface OtadataEntry {
  /** `ota_seq`, uint32: slot + 1, plus any multiple of the number of slots. 0xFFFFFFFF when erased. */
  readonly sequence: number;
  /** `seq_label`, 20 bytes that ESP-IDF preserves and never interprets. */
  readonly label: Uint8Array;
  /** `ota_state`, uint32: usually one of {@link OtaImageState}, any other value after a torn write. */
  readonly state: number;
  /** `crc`, uint32, as stored; it covers the sequence number alone. */
  readonly crc: number;
}

/** An otadata partition: its two entries and the index of the active one. */
export interface Otadata {
  readonly entries: readonly [OtadataEntry, OtadataEntry];
  /** `undefined` if neither is valid; the bootloader then starts `factory` or the first slot that boots. */
  readonly active: 0 | 1 | undefined;
}

/**
 * Parses an otadata partition: two select entries, one at the start of each 4 KiB sector.
 *
 * Blank, torn and stale entries are normal after a power cut, so they are not errors here.
 *
 * @param partition - The partition, 8192 bytes or more. The result shares no memory with it.
 * @returns Both entries, and the active one according to {@link chooseActive}.
 * @throws {@link OtaError} `image/truncated` if there are fewer than two sectors.
 */
export function parseOtadata(partition: Uint8Array): Otadata {
  if (partition.length < OTADATA_SIZE) {
    const message = `otadata is ${partition.length} bytes; it must be two 4 KiB sectors (${OTADATA_SIZE} bytes)`;
    throw new OtaError("image/truncated", message, { offset: 0, needed: OTADATA_SIZE, actual: partition.length });
  }
  const first = parseOtadataEntry(partition.subarray(0, OTADATA_ENTRY_SIZE));
  const second = parseOtadataEntry(partition.subarray(OTADATA_SECTOR_SIZE));
  return { entries: [first, second], active: chooseActive(first, second) };
}

/**
 * Parses one select entry (`esp_ota_select_entry_t`). Any 32 bytes are an entry.
 *
 * @param bytes - At least 32 bytes; only the first 32 are read. The result shares no memory with them.
 * @throws {@link OtaError} `image/truncated` if there are fewer.
 */
export function parseOtadataEntry(bytes: Uint8Array): OtadataEntry {
  if (bytes.length < OTADATA_ENTRY_SIZE) {
    const message = `the otadata entry is ${bytes.length} bytes; it must be ${OTADATA_ENTRY_SIZE}`;
    throw new OtaError("image/truncated", message, { offset: 0, needed: OTADATA_ENTRY_SIZE, actual: bytes.length });
  }
  const view = viewOf(bytes);
  return {
    sequence: view.getUint32(0, true),
    label: Uint8Array.from(bytes.subarray(4, 4 + LABEL_SIZE)),
    state: view.getUint32(24, true),
    crc: view.getUint32(28, true),
  };
}

/**
 * Builds the 32 bytes of a select entry. Writes the CRC as given, even if it is wrong.
 *
 * @throws {@link OtaError} `image/invalid` if the label isn't 20 bytes or a number isn't a uint32.
 */
export function buildOtadataEntry(entry: OtadataEntry): Uint8Array {
  if (entry.label.length !== LABEL_SIZE) {
    const message = `the otadata label is ${entry.label.length} bytes; it must be ${LABEL_SIZE}`;
    throw new OtaError("image/invalid", message, { offset: 4 });
  }
  const bytes = new Uint8Array(OTADATA_ENTRY_SIZE);
  const view = viewOf(bytes);
  view.setUint32(0, uint32(entry.sequence, "sequence", 0), true);
  bytes.set(entry.label, 4);
  view.setUint32(24, uint32(entry.state, "state", 24), true);
  view.setUint32(28, uint32(entry.crc, "crc", 28), true);
  return bytes;
}

/**
 * Creates a select entry as ESP-IDF writes it into an erased sector: blank label, valid CRC.
 *
 * @param sequence - uint32; slot + 1 for the first selection of a slot.
 * @param state - One of {@link OtaImageState}.
 */
export function otadataEntry(sequence: number, state: number): OtadataEntry {
  return { sequence, label: new Uint8Array(LABEL_SIZE).fill(0xff), state, crc: otadataCrc(sequence) };
}

/**
 * Computes the CRC of a select entry, which covers only the four bytes of its sequence number
 * (`bootloader_common_ota_select_crc`).
 *
 * @param sequence - uint32.
 */
export function otadataCrc(sequence: number): number {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, sequence, true);
  return crc32(bytes, 0xffff_ffff);
}

/**
 * Returns `true` if an entry is erased, or its image was rejected or aborted. Ignores the CRC
 * (`bootloader_common_ota_select_invalid`).
 */
export function isSelectInvalid(entry: OtadataEntry): boolean {
  if (entry.sequence === BLANK_SEQUENCE) return true;
  return entry.state === OtaImageState.INVALID || entry.state === OtaImageState.ABORTED;
}

/**
 * Returns `true` if an entry is not invalid and its CRC is right. Unknown states are valid
 * (`bootloader_common_ota_select_valid`).
 */
export function isSelectValid(entry: OtadataEntry): boolean {
  return !isSelectInvalid(entry) && entry.crc === otadataCrc(entry.sequence);
}

/**
 * Chooses the entry that the bootloader uses (`bootloader_common_get_active_otadata`).
 *
 * If both are valid, the larger sequence number wins (unsigned, without wrap-around); on a tie, the first entry.
 *
 * @returns The index of the entry, or `undefined` if neither is valid.
 */
export function chooseActive(first: OtadataEntry, second: OtadataEntry): 0 | 1 | undefined {
  if (!isSelectValid(first)) return isSelectValid(second) ? 1 : undefined;
  if (!isSelectValid(second)) return 0;
  return second.sequence > first.sequence ? 1 : 0;
}

/**
 * Returns the slot that a sequence number selects: (sequence − 1) mod `slotCount` in uint32 arithmetic. Sequence 0
 * therefore selects slot 0xFFFFFFFF mod `slotCount`.
 *
 * @param sequence - uint32.
 * @param slotCount - Number of OTA slots in the partition table.
 * @returns The index of the slot, 0 for `ota_0`.
 * @throws {@link OtaError} `image/invalid` if there are no slots, where the bootloader divides by zero.
 */
export function otaSlotOfSequence(sequence: number, slotCount: number): number {
  if (slotCount >= 1) return ((sequence - 1) >>> 0) % slotCount;
  throw new OtaError("image/invalid", "a sequence number can't select a slot: the partition table has no OTA slots", {
    offset: 0,
  });
}

/** Returns the name of a state, for example `pending-verify`, or its number in hexadecimal if it is unknown. */
export function otaStateName(state: number): string {
  const known = Object.entries(OtaImageState).find(([, value]) => value === state);
  if (known === undefined) return `0x${state.toString(16).padStart(8, "0")}`;
  return known[0].toLowerCase().replace("_", "-");
}

function uint32(value: number, field: string, offset: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff) return value;
  throw new OtaError("image/invalid", `the otadata ${field} is ${value}; it must be a uint32`, { offset });
}
