import { viewOf } from "../bytes.ts";
import { crc32 } from "../crc32.ts";
import { OtaError } from "../errors.ts";
import { NVS_CRC_SEED } from "./nvs-entry.ts";
import { NVS_PAGE_SIZE } from "./nvs-page-header.ts";

/** Keys of an encrypted partition (ESP-IDF `nvs_sec_cfg_t`). */
export interface NvsKeys {
  /** `eky`, 32 bytes. */
  readonly encryptionKey: Uint8Array;
  /** `tky`, 32 bytes. */
  readonly tweakKey: Uint8Array;
}

const KEY_SIZE = 32;
const CRC_OFFSET: number = 2 * KEY_SIZE;

/**
 * Reads the keys from a partition of type data/nvs_keys, or from the file that `generate-key` of Espressif's generator
 * writes (ESP-IDF `nvs_flash_read_security_cfg`). They are copied.
 *
 * @throws {@link OtaError} `nvs/keys-invalid` if it is too short, blank, or the CRC is wrong.
 */
export function parseNvsKeys(bytes: Uint8Array): NvsKeys {
  if (bytes.length < CRC_OFFSET + 4) {
    throw invalid(bytes.length, `NVS keys are ${CRC_OFFSET + 4} bytes; there are ${bytes.length}`);
  }
  if (bytes.subarray(0, CRC_OFFSET + 4).every((byte) => byte === 0xff)) throw invalid(0, "there are no NVS keys yet");
  if (viewOf(bytes).getUint32(CRC_OFFSET, true) !== crc32(bytes.subarray(0, CRC_OFFSET), NVS_CRC_SEED)) {
    throw invalid(CRC_OFFSET, "the CRC of the NVS keys is wrong");
  }
  return { encryptionKey: bytes.slice(0, KEY_SIZE), tweakKey: bytes.slice(KEY_SIZE, CRC_OFFSET) };
}

/**
 * Returns the content of a partition of type data/nvs_keys: both keys, their CRC, and 0xFF up to 4096 bytes.
 *
 * @throws {@link OtaError} `nvs/keys-invalid` if a key is not 32 bytes.
 */
export function buildNvsKeys(keys: NvsKeys): Uint8Array {
  checkNvsKeys(keys);
  const { encryptionKey, tweakKey } = keys;
  const bytes = new Uint8Array(NVS_PAGE_SIZE).fill(0xff);
  bytes.set(encryptionKey);
  bytes.set(tweakKey, KEY_SIZE);
  viewOf(bytes).setUint32(CRC_OFFSET, crc32(bytes.subarray(0, CRC_OFFSET), NVS_CRC_SEED), true);
  return bytes;
}

/** Checks the size of both keys. @throws {@link OtaError} `nvs/keys-invalid` if a key is not 32 bytes. */
export function checkNvsKeys({ encryptionKey, tweakKey }: NvsKeys): void {
  if (encryptionKey.length === KEY_SIZE && tweakKey.length === KEY_SIZE) return;
  throw invalid(0, `NVS keys are twice ${KEY_SIZE} bytes; these are ${encryptionKey.length} and ${tweakKey.length}`);
}

function invalid(offset: number, message: string): OtaError<"nvs/keys-invalid"> {
  return new OtaError("nvs/keys-invalid", message, { offset });
}
