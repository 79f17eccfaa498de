import { viewOf } from "../bytes.ts";

/** Bits of {@link SecurityInfo.flags}. */
export const SecurityFlag = {
  SECURE_BOOT_EN: 0x1,
  SECURE_BOOT_AGGRESSIVE_REVOKE: 0x2,
  /** Secure Download Mode: only writing is left of the loader's commands. */
  SECURE_DOWNLOAD_ENABLE: 0x4,
} as const;

/** What GET_SECURITY_INFO answers. ESP32 doesn't know the command. */
export interface SecurityInfo {
  /** Bits of {@link SecurityFlag}, uint32. */
  readonly flags: number;
  /** `SPI_BOOT_CRYPT_CNT`: flash is encrypted where an odd number of its bits is set. */
  readonly flashCryptCount: number;
  /** What the seven key blocks are for, one byte each. */
  readonly keyPurposes: Uint8Array;
  /** `chip_id` of the image header, uint32; ESP32-S2 doesn't tell. */
  readonly chipId: number | undefined;
  /** `eco_version`, uint32; absent with `chipId`. */
  readonly apiVersion: number | undefined;
}

const KEY_PURPOSES = 7;
const SHORT_SIZE = 12;
const SIZE = 20;

/** Builds the payload: 20 bytes, or the 12 of ESP32-S2 where no chip id is given. */
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
 * Parses the payload.
 *
 * @param bytes - 20 bytes or more; from 12 on the chip stays unknown.
 * @returns `undefined` for fewer than 12.
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
