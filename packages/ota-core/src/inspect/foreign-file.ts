import { decodeText } from "../bytes.ts";
import { isOtaError, type OtaErrorCode } from "../errors.ts";
import { isEsp8266Image } from "../image/foreign-image.ts";
import { type PartitionCsvOptions, parsePartitionCsv } from "../image/partition-csv.ts";
import { TYPE_KEYWORDS } from "../image/partition-names.ts";
import { Findings } from "./findings.ts";
import type { UnknownInspection } from "./inspection.ts";

/** Guess about a file of an unsupported format. */
interface Guess {
  readonly code: OtaErrorCode;
  readonly description: string;
  /** Advice, or the reason why the file is refused. */
  readonly advice: string;
}

/** First bytes of files that users sometimes mistake for firmware. */
const MAGICS: readonly (readonly [readonly number[], string, string])[] = [
  [[0x7f, 0x45, 0x4c, 0x46], "an ELF file", "the image to deliver is the .bin that idf.py build writes beside it"],
  [[0x55, 0x46, 0x32, 0x0a], "a UF2 file", "the image to deliver is build/<project>.bin"],
  [[0x50, 0x4b, 0x03, 0x04], "a ZIP archive", "unpack it and inspect the image inside"],
  [[0x1f, 0x8b], "gzip-compressed data", "unpack it and inspect the image inside"],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], "xz-compressed data", "unpack it and inspect the image inside"],
  [[0x28, 0xb5, 0x2f, 0xfd], "zstd-compressed data", "unpack it and inspect the image inside"],
  [[0xea, 0x04], "an ESP8266 image (second format)", "only chips of the ESP32 family are supported"],
];

/** Kinds of text, recognized by their beginning. */
const TEXTS: readonly (readonly [RegExp, string, string])[] = [
  [/^\s*<(?:!doctype|html|\?xml)/i, "an HTML or XML text", "perhaps an error page was saved instead of the file"],
  [/^-----BEGIN /, "a PEM text", "it is a key or a certificate, not firmware"],
  [/^:[0-9A-F]{8}/i, "an Intel HEX text", "the image to deliver is a binary file"],
  [/^\s*[{[]/, "a JSON text", "tinybms-ota validate checks manifests"],
];

/** Block size of flash encryption in bytes. */
const CIPHER_BLOCK_SIZE = 16;
const SECTOR_SIZE = 4096;
/** Number of bytes whose distribution is measured. */
const SAMPLE_SIZE = 0x1_0000;
const SAMPLE_SIZE_MIN = 512;

/** Inspects a file that matches no supported format. The result is never valid. */
export function inspectForeign(bytes: Uint8Array): UnknownInspection {
  const { code, description, advice } = guess(bytes);
  const findings = new Findings();
  findings.problem(code, `this is ${description}: ${advice}`, 0);
  return { type: "unknown", ...findings.result(bytes.length), description };
}

/** Returns `true` if a file is empty, or all of its bytes are 0xFF or all are 0x00. */
export function isBlank(bytes: Uint8Array): boolean {
  const [first = 0xff] = bytes;
  return (first === 0xff || first === 0x00) && bytes.every((byte) => byte === first);
}

/**
 * Returns `true` if bytes are distributed as evenly as a cipher's output. Ignores erased sectors. Their Shannon entropy
 * must be less than 0.1 bit below that of a random sample of the same size (8 − 255 / (2 n ln 2), Miller 1955).
 */
export function looksEncrypted(bytes: Uint8Array): boolean {
  const counts = new Uint32Array(256);
  let size = 0;
  for (let offset = 0; offset < bytes.length && size < SAMPLE_SIZE; offset += SECTOR_SIZE) {
    const sector = bytes.subarray(offset, offset + SECTOR_SIZE);
    if (isBlank(sector)) continue;
    for (const byte of sector) counts[byte] = (counts[byte] ?? 0) + 1;
    size += sector.length;
  }
  if (size < SAMPLE_SIZE_MIN) return false;
  let entropy = 0;
  for (const count of counts) if (count > 0) entropy -= (count / size) * Math.log2(count / size);
  return entropy > 8 - 255 / (2 * size * Math.LN2) - 0.1;
}

/**
 * Decodes a text file: UTF-8, or UTF-16 with a byte-order mark, without control characters except white space. Returns
 * `undefined` for other files.
 */
export function textOf(bytes: Uint8Array): string | undefined {
  const text = decodeText(bytes);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they tell text from other data
  return text === undefined || /[\0-\x08\x0b\x0e-\x1f]/.test(text.slice(0, 1024)) ? undefined : text;
}

/**
 * Returns `true` if a text is a partition table in CSV: the parser accepts it, or a row has the keyword of a type in
 * its second field, so that its faults can be reported. The CSV of NVS partitions also has such rows, but below its own
 * header.
 */
export function looksLikePartitionCsv(text: string, options: PartitionCsvOptions): boolean {
  const rows = text
    .split(/[\r\n]+/)
    .filter((line) => line.trim() !== "" && !line.trim().startsWith("#"))
    .map((line) => line.split(",").map((field) => field.trim().toLowerCase()));
  if (rows[0]?.[0] === "key") return false;
  if (rows.some((fields) => fields.length >= 4 && TYPE_KEYWORDS.has(fields[1] ?? ""))) return true;
  try {
    return parsePartitionCsv(text, options).entries.length > 0;
  } catch (error) {
    if (isOtaError(error)) return false;
    throw error;
  }
}

function guess(bytes: Uint8Array): Guess {
  const [first] = bytes;
  if (first === undefined) return { code: "image/empty", description: "an empty file", advice: "it has no bytes" };
  if (isBlank(bytes)) {
    const isErased = first === 0xff;
    const description = isErased ? "erased flash" : "a file of zeros";
    return { code: "image/empty", description, advice: `all ${bytes.length} bytes are ${isErased ? "0xff" : "0x00"}` };
  }
  if (isEsp8266Image(bytes)) {
    const advice = "its segments begin at 8, and only chips of the ESP32 family are supported";
    return { code: "image/wrong-chip", description: "an ESP8266 image", advice };
  }
  for (const [magic, description, advice] of MAGICS) {
    if (magic.every((byte, index) => bytes[index] === byte))
      return { code: "image/unknown-format", description, advice };
  }
  const text = textOf(bytes);
  if (text !== undefined) {
    for (const [pattern, description, advice] of TEXTS) {
      if (pattern.test(text)) return { code: "image/unknown-format", description, advice };
    }
    return { code: "image/unknown-format", description: "a text file", advice: "it is not firmware" };
  }
  if (looksEncrypted(bytes)) {
    const isWhole = bytes.length % CIPHER_BLOCK_SIZE === 0;
    const advice = isWhole
      ? "its bytes are evenly distributed, as after flash encryption; inspect the image before it is encrypted"
      : "its bytes are evenly distributed, and no known format begins this way";
    return { code: "image/encrypted", description: "encrypted or compressed data", advice };
  }
  const begin = `it begins with 0x${first.toString(16).padStart(2, "0")}`;
  const advice = `${begin}; an app image begins with 0xe9, a partition table with 0xaa 0x50`;
  return { code: "image/unknown-format", description: "a file of unknown format", advice };
}
