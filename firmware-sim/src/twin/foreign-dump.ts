import { OtaError } from "@tinybms/ota-core";
import { type Inspection, PARTITION_TABLE_OFFSET } from "@tinybms/ota-core/esp";
import { SECTOR_SIZE } from "../flash/sector-store.ts";

/** Threshold in bits per byte. The expected value for random bytes is 8 − 255 / (2 · 4096 · ln 2) = 7.955 (Miller 1955). */
const CIPHER_ENTROPY = 7.93;

/** Codes of `inspectImage` that are kept; all others become `image/unknown-format`. */
const KNOWN_CODES = ["image/empty", "image/encrypted", "image/wrong-chip", "image/partition-table-invalid"] as const;

/**
 * Creates the error for a file that is not a flash dump. The message says what the file is instead.
 *
 * @param inspection - Result of `inspectImage`.
 */
export function foreignDump(file: string, bytes: Uint8Array, inspection: Inspection): OtaError {
  const hint = "esptool read-flash 0 ALL FILE reads a whole flash";
  if (inspection.type === "unknown" && looksEncryptedThroughout(bytes)) {
    const message = `${file} looks encrypted: the bytes of its sectors are distributed evenly, as after flash encryption`;
    const advice = "the flash of a device with flash encryption can't be read from outside";
    return new OtaError("image/encrypted", message, { offset: 0 }, { hint: advice });
  }
  if (inspection.type !== "unknown") {
    const kind = inspection.type.replace("app-image", "app image").replaceAll("-", " ");
    const message = `${file} is not a flash dump but ${/^[aeion]/.test(kind) ? "an" : "a"} ${kind}`;
    return new OtaError("image/unknown-format", message, { offset: 0 }, { hint });
  }
  const [problem] = inspection.problems;
  const code = KNOWN_CODES.find((known) => known === problem?.code) ?? "image/unknown-format";
  return new OtaError(code, `${file} is not a flash dump: ${problem?.message ?? ""}`, { offset: 0 }, { hint });
}

/** Returns whether most sectors in use are ciphertext. NVS and other data may be plain despite flash encryption. */
function looksEncryptedThroughout(bytes: Uint8Array): boolean {
  let [written, cipher] = [0, 0];
  for (let offset = 0; offset + SECTOR_SIZE <= bytes.length; offset += SECTOR_SIZE) {
    const sector = bytes.subarray(offset, offset + SECTOR_SIZE);
    if (sector.every((byte) => byte === 0xff)) continue;
    written++;
    if (entropyOf(sector) > CIPHER_ENTROPY) cipher++;
  }
  return bytes.length > PARTITION_TABLE_OFFSET && cipher > 1 && cipher > written / 2;
}

/** Returns the Shannon entropy in bits per byte. */
function entropyOf(bytes: Uint8Array): number {
  const counts = new Uint32Array(256);
  for (const byte of bytes) counts[byte] = (counts[byte] ?? 0) + 1;
  let entropy = 0;
  for (const count of counts) if (count > 0) entropy -= (count / bytes.length) * Math.log2(count / bytes.length);
  return entropy;
}
