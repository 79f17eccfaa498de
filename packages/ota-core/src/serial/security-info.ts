import { viewOf } from "../bytes.ts";

/** Bits of {@link SecurityInfo.flags}. */
export const SecurityFlag = {
  SECURE_BOOT_EN: 0x1,
  SECURE_BOOT_AGGRESSIVE_REVOKE: 0x2,
  /** Secure Download Mode: of the loader's commands, only those that write work. */
  SECURE_DOWNLOAD_ENABLE: 0x4,
} as const;

/** Response of GET_SECURITY_INFO. The ESP32 does not support the command. */
export interface SecurityInfo {
  /** Bits of {@link SecurityFlag}, uint32. */
  readonly flags: number;
  /** `SPI_BOOT_CRYPT_CNT`: flash is encrypted if an odd number of its bits is set. */
  readonly flashCryptCount: number;
  /** Purposes of the seven key blocks, one byte each. */
  readonly keyPurposes: Uint8Array;
  /** `chip_id` of the image header, uint32; absent on the ESP32-S2. */
  readonly chipId: number | undefined;
  /** `eco_version`, uint32; absent with `chipId`. */
  readonly apiVersion: number | undefined;
}

const KEY_PURPOSES = 7;
const SHORT_SIZE = 12;
const SIZE = 20;

/** Builds the payload of GET_SECURITY_INFO: 20 bytes, or 12 as on the ESP32-S2 if there is no chip id. */
export function buildSecurityInfo(info: SecurityInfo): Uint8Array {
  const bytes = new Uint8Array(info.chipId === undefined ? SHORT_SIZE : SIZE);
  const view = viewOf(bytes);
  view.setUint32(0, info.flags, true);
  view.setUint8(4, info.flashCryptCount);
  bytes.set(info.keyPurposes.subarray(0, KEY_PURPOSES), 5);
  if (info.chipId === undefined) return bytes;
  view.setUint32(12, info.chipId, true);
  view.setUint32(16, info.apiVersion ?? 0, true);
  return bytes;
}

/**
 * Parses the payload of GET_SECURITY_INFO.
 *
 * @param bytes - At least 20 bytes, or at least 12 without a chip id.
 * @returns The information, or `undefined` for fewer than 12 bytes.
 */
export function parseSecurityInfo(bytes: Uint8Array): SecurityInfo | undefined {
  if (bytes.length < SHORT_SIZE) return undefined;
  const view = viewOf(bytes);
  const isLong = bytes.length >= SIZE;
  return {
    flags: view.getUint32(0, true),
    flashCryptCount: view.getUint8(4),
    keyPurposes: bytes.slice(5, 5 + KEY_PURPOSES),
    chipId: isLong ? view.getUint32(12, true) : undefined,
    apiVersion: isLong ? view.getUint32(16, true) : undefined,
  };
}
