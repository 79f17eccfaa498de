import { createHash } from "node:crypto";

/** A prefix of Espressif's. */
const VENDOR: readonly number[] = [0x24, 0x0a, 0xc4];

/** The MAC address of a board that has no name. */
export const DEFAULT_MAC: Uint8Array = Uint8Array.of(...VENDOR, 0x00, 0x00, 0x01);

/**
 * The base MAC address of the board that a device's id names: Espressif's vendor prefix and three bytes of the id's
 * SHA-256, so that boards of different ids differ and one id has one address on every machine.
 *
 * @returns Six bytes.
 */
export function macOfDevice(id: string): Uint8Array {
  return Uint8Array.of(...VENDOR, ...createHash("sha256").update(id).digest().subarray(0, 3));
}
