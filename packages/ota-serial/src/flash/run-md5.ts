import { md5 } from "@noble/hashes/legacy.js";
import type { FlashRegion } from "./regions.ts";

/** MD5 of regions as one piece. */
export function md5Of(run: readonly FlashRegion[]): Uint8Array {
  const [first] = run;
  if (first !== undefined && run.length === 1) return first.md5;
  const hash = md5.create();
  for (const { bytes } of run) hash.update(bytes);
  return hash.digest();
}
