import { ecb } from "@noble/ciphers/aes.js";
import { viewOf } from "../bytes.ts";
import { NVS_ENTRY_SIZE } from "./nvs-entry.ts";
import { NVS_ENTRY_STATES_SIZE, NvsEntryState, NvsEntryStates } from "./nvs-entry-states.ts";
import { checkNvsKeys, type NvsKeys } from "./nvs-keys.ts";
import { NVS_PAGE_HEADER_SIZE, NVS_PAGE_SIZE } from "./nvs-page-header.ts";

const ENTRIES_OFFSET: number = NVS_PAGE_HEADER_SIZE + NVS_ENTRY_STATES_SIZE;
const BLOCK_SIZE = 16;

/**
 * Encrypts a partition as a device with NVS encryption keeps it (ESP-IDF `nvs_encrypted_partition.cpp`): each written
 * entry of 32 bytes is one data unit of XTS-AES-256 (IEEE 1619), whose number is its offset in the partition. Headers
 * and entry states stay plain.
 *
 * @param bytes - Plain partition. An incomplete page at the end is copied unchanged.
 * @returns A new array.
 * @throws {@link OtaError} `nvs/keys-invalid` if a key is not 32 bytes.
 */
export function encryptNvsPartition(bytes: Uint8Array, keys: NvsKeys): Uint8Array {
  const offsets = entryOffsets(bytes, (page, entryIndex) => {
    const states = new NvsEntryStates();
    states.load(page.subarray(NVS_PAGE_HEADER_SIZE, ENTRIES_OFFSET));
    return states.get(entryIndex) === NvsEntryState.written;
  });
  return convert(bytes, offsets, keys, "encrypt");
}

/**
 * Decrypts a partition. Entries that consist of 0xFF stay blank, as in Espressif's generator. Erased entries that a
 * device overwrote become random bytes, which are never read.
 *
 * @param bytes - Encrypted partition; any bytes are accepted. An incomplete page at the end is copied unchanged.
 * @returns A new array.
 * @throws {@link OtaError} `nvs/keys-invalid` if a key is not 32 bytes.
 */
export function decryptNvsPartition(bytes: Uint8Array, keys: NvsKeys): Uint8Array {
  const offsets = entryOffsets(bytes, (page, entryIndex) => {
    const offset = ENTRIES_OFFSET + NVS_ENTRY_SIZE * entryIndex;
    return page.subarray(offset, offset + NVS_ENTRY_SIZE).some((byte) => byte !== 0xff);
  });
  return convert(bytes, offsets, keys, "decrypt");
}

function entryOffsets(bytes: Uint8Array, wants: (page: Uint8Array, entryIndex: number) => boolean): readonly number[] {
  const offsets: number[] = [];
  for (let start = 0; start + NVS_PAGE_SIZE <= bytes.length; start += NVS_PAGE_SIZE) {
    const page = bytes.subarray(start, start + NVS_PAGE_SIZE);
    for (let offset = ENTRIES_OFFSET; offset < NVS_PAGE_SIZE; offset += NVS_ENTRY_SIZE) {
      const entryIndex = (offset - ENTRIES_OFFSET) / NVS_ENTRY_SIZE;
      if (wants(page, entryIndex)) offsets.push(start + offset);
    }
  }
  return offsets;
}

/** XTS over data units of two blocks each: all first tweaks in one pass of AES, all blocks in another. */
function convert(
  bytes: Uint8Array,
  offsets: readonly number[],
  keys: NvsKeys,
  direction: "encrypt" | "decrypt",
): Uint8Array {
  checkNvsKeys(keys);
  const { encryptionKey, tweakKey } = keys;
  const result = bytes.slice();
  if (offsets.length === 0) return result;
  const unitNumbers = new Uint8Array(BLOCK_SIZE * offsets.length);
  for (const [index, offset] of offsets.entries()) viewOf(unitNumbers).setUint32(BLOCK_SIZE * index, offset, true);
  const tweaks = expandTweaks(ecb(tweakKey, { disablePadding: true }).encrypt(unitNumbers));
  const units = new Uint8Array(tweaks.length);
  for (const [index, offset] of offsets.entries()) {
    units.set(bytes.subarray(offset, offset + NVS_ENTRY_SIZE), NVS_ENTRY_SIZE * index);
  }
  const converted = xor(ecb(encryptionKey, { disablePadding: true })[direction](xor(units, tweaks)), tweaks);
  for (const [index, offset] of offsets.entries()) {
    result.set(converted.subarray(NVS_ENTRY_SIZE * index, NVS_ENTRY_SIZE * (index + 1)), offset);
  }
  return result;
}

/** Returns the tweaks of both blocks of each unit: the second is the first times x in GF(2^128). */
function expandTweaks(first: Uint8Array): Uint8Array {
  const tweaks = new Uint8Array(2 * first.length);
  for (let start = 0; start < first.length; start += BLOCK_SIZE) {
    let carry = (first[start + BLOCK_SIZE - 1] ?? 0) >> 7 === 1 ? 0x87 : 0;
    for (let index = 0; index < BLOCK_SIZE; index++) {
      const byte = first[start + index] ?? 0;
      tweaks[2 * start + index] = byte;
      tweaks[2 * start + BLOCK_SIZE + index] = ((byte << 1) & 0xff) ^ carry;
      carry = byte >> 7;
    }
  }
  return tweaks;
}

function xor(left: Uint8Array, right: Uint8Array): Uint8Array {
  return left.map((byte, index) => byte ^ (right[index] ?? 0));
}
