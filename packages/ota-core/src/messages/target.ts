import { concatBytes, fromHex, utf8, viewOf } from "../bytes.ts";
import type { Offer } from "../schemas/types.generated.ts";
import { sha256 } from "../sha256.ts";
import type { Immutable } from "./json-message.ts";

/**
 * Returns `true` if an offer is for a device.
 *
 * A rollout includes a device if `u32be(SHA-256(salt ‖ device)[0..4]) mod 1000 < permille`, with the salt decoded from
 * hexadecimal. Each device decides on its own, and a wider rollout with the same salt includes all devices of the
 * narrower one.
 *
 * @param target - The offer's `target`.
 * @param device - The device's name.
 */
export function targetAdmits(target: Immutable<Offer["target"]>, device: string): boolean {
  if (target === "all") return true;
  if ("devices" in target) return target.devices.includes(device);
  const { permille, salt } = target.rollout;
  const saltBytes = fromHex(salt);
  if (saltBytes === undefined) return false;
  return viewOf(sha256(concatBytes([saltBytes, utf8(device)]))).getUint32(0) % 1000 < permille;
}
