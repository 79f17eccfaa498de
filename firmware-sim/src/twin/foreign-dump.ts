import { OtaError } from "@tinybms/ota-core";
import { type Inspection, PARTITION_TABLE_OFFSET } from "@tinybms/ota-core/esp";

const SECTOR_SIZE = 4096;
/** Bits of entropy for each byte of a sector: 8 − 255 / (2 · 4096 · ln 2) = 7.955 of a random one (Miller 1955). */
const CIPHER_ENTROPY = 7.93;

/** Kinds of files that a code of their own names. */
const KNOWN_CODES = ["image/empty", "image/encrypted", "image/wrong-chip", "image/partition-table-invalid"] as const;

/**
 * Says of a file that is no flash dump what it is instead.
 *
 * @param inspection - What `inspectImage` made of it.
 */
export function foreignDump(file: string, bytes: Uint8Array, inspection: Inspection): OtaError {
  const hint = "esptool read-flash 0 ALL FILE reads a whole flash";
  if (inspection.type === "unknown" && looksEncryptedThroughout(bytes)) {
    const message = `${file} looks encrypted: its sectors are spread evenly, as flash encryption leaves them`;
    const advice = "the flash of a device with flash encryption can't be read from outside";
    return new OtaError("image/encrypted", message, { offset: 0 }, { hint: advice });
  }
  if (inspection.type !== "unknown") {
    const kind = inspection.type.replace("app-image", "app image").replaceAll("-", " ");
    const message = `${file} is no flash dump but ${/^[aeion]/.test(kind) ? "an" : "a"} ${kind}`;
    return new OtaError("image/unknown-format", message, { offset: 0 }, { hint });
  }
  const [problem] = inspection.problems;
  const code = KNOWN_CODES.find((known) => known === problem?.code) ?? "image/unknown-format";
  return new OtaError(code, `${file} is no flash dump: ${problem?.message ?? ""}`, { offset: 0 }, { hint });
}

/** Whether most of what is written is cipher. NVS is not encrypted with the flash, and other data may not be. */
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

/** Shannon's entropy in bits for each byte. */
function entropyOf(bytes: Uint8Array): number {
  const counts = new Uint32Array(256);
  for (const byte of bytes) counts[byte] = (counts[byte] ?? 0) + 1;
  let entropy = 0;
  for (const count of counts) if (count > 0) entropy -= (count / bytes.length) * Math.log2(count / bytes.length);
  return entropy;
}
