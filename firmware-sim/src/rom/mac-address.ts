import { createHash } from "node:crypto";

/** A vendor prefix of Espressif. */
const VENDOR: readonly number[] = [0x24, 0x0a, 0xc4];

/** MAC address of a board without a name. */
export const DEFAULT_MAC: Uint8Array = Uint8Array.of(...VENDOR, 0x00, 0x00, 0x01);

/**
 * Derives the base MAC address of a board from its device ID: Espressif's vendor prefix and three bytes of the ID's
 * SHA-256. Different IDs give different addresses, and one ID gives the same address on every machine.
 *
 * @returns Six bytes.
 */
export function macOfDevice(id: string): Uint8Array {
  return Uint8Array.of(...VENDOR, ...createHash("sha256").update(id).digest().subarray(0, 3));
}
