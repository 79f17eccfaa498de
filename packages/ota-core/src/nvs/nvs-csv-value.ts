import { concatBytes, decodeUtf8, fromHex, utf8, viewOf } from "../bytes.ts";
import { NVS_BLOB_SIZE_MAX, type NvsPairInput, nvsEntryProblem } from "./nvs-entry-input.ts";
import { isNvsIntegerType, type NvsIntegerType } from "./nvs-integer.ts";

/** Content of the column `value`: its text, or the content of the file that it names. */
export type NvsCsvSource = { readonly text: string } | { readonly bytes: Uint8Array };

/** Fault in a row, with its column. */
export interface NvsCsvFault {
  readonly column: "key" | "type" | "encoding" | "value";
  readonly message: string;
}

/** Python's `int(x)`. */
const DECIMAL = /^[+-]?[0-9](?:_?[0-9])*$/;
const FILL = /^blob(_sz)?_fill\(([0-9]{1,9});0x([0-9a-fA-F]{2})\)$/;
const ENCODINGS =
  "u8, i8, u16, i16, u32, i32, u64, i64, string, hex2bin, base64, binary, blob_fill(N;0xBB), blob_sz_fill(N;0xBB)";

/**
 * Returns the value of a row, by the column `encoding` of Espressif's generator (its `NVS.write_entry`).
 *
 * Faults do not contain the value, which may be a secret.
 */
export function parseNvsCsvValue(
  name: { readonly namespace: string; readonly key: string },
  encoding: string,
  source: NvsCsvSource,
): NvsPairInput | NvsCsvFault {
  const pair = pairOf(name, encoding, source);
  if (!("type" in pair)) return pair;
  const problem = nvsEntryProblem(pair);
  return problem === undefined ? pair : { column: "value", message: `it ${problem}` };
}

function pairOf(
  name: { readonly namespace: string; readonly key: string },
  encoding: string,
  source: NvsCsvSource,
): NvsPairInput | NvsCsvFault {
  // The generator also accepts capital letters, but writes only integers correctly.
  const integerType = encoding.toLowerCase();
  if (isNvsIntegerType(integerType)) return parseInteger(name, integerType, source);
  if (encoding === "string") {
    const value = textOf(source);
    return value === undefined ? fault("the file is no valid UTF-8") : { ...name, type: "string", value };
  }
  const value = blobOf(encoding, source);
  return value instanceof Uint8Array ? { ...name, type: "blob", value } : value;
}

function parseInteger(
  name: { readonly namespace: string; readonly key: string },
  type: NvsIntegerType,
  source: NvsCsvSource,
): NvsPairInput | NvsCsvFault {
  const text = textOf(source)?.trim() ?? "";
  // Many more digits than a 64-bit integer has are out of range, and would take long to parse.
  if (!DECIMAL.test(text) || text.length > 100) return fault(`a ${type} must be a whole number in decimal digits`);
  const value = BigInt(text.replaceAll("_", "").replace("+", ""));
  if (type === "u64" || type === "i64") return { ...name, type, value };
  return { ...name, type, value: Number(value) };
}

function blobOf(encoding: string, source: NvsCsvSource): Uint8Array | NvsCsvFault {
  if (encoding === "hex2bin") return parseHex(source);
  if (encoding === "base64") return parseBase64(source);
  if (encoding === "binary") {
    if ("bytes" in source) return source.bytes;
    // The generator counts characters but writes bytes.
    return isAscii(source.text) ? utf8(source.text) : fault("text of encoding binary must be ASCII; use type file");
  }
  const fill = FILL.exec(encoding);
  if (fill !== null)
    return fillBlob(source, fill[1] !== undefined, Number(fill[2]), Number.parseInt(fill[3] ?? "", 16));
  return { column: "encoding", message: `it must be one of ${ENCODINGS}, in lower case` };
}

function parseHex(source: NvsCsvSource): Uint8Array | NvsCsvFault {
  const text = textOf(source)?.trim();
  const bytes = text === undefined ? undefined : fromHex(text);
  return bytes ?? fault("hex2bin must be pairs of hexadecimal digits");
}

/**
 * Decodes base64 like `binascii.a2b_base64`, which skips white space and ignores unused bits, but otherwise strictly.
 */
function parseBase64(source: NvsCsvSource): Uint8Array | NvsCsvFault {
  const text = textOf(source)?.replace(/\s+/g, "") ?? "*";
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    return fault("base64 must be of letters, digits, + and /, padded with = to a multiple of four");
  }
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/**
 * Builds a `blob_fill` (text padded to a size) or a `blob_sz_fill` (the same after the text's length in four bytes).
 */
function fillBlob(source: NvsCsvSource, hasLength: boolean, sizeBytes: number, byte: number): Uint8Array | NvsCsvFault {
  if ("bytes" in source) return { column: "type", message: "blob_fill and blob_sz_fill take no file, only type data" };
  if (sizeBytes > NVS_BLOB_SIZE_MAX - 4)
    return { column: "encoding", message: `at most ${NVS_BLOB_SIZE_MAX - 4} bytes` };
  const content = utf8(source.text);
  if (content.length > sizeBytes) return fault(`it is ${content.length} bytes long; the encoding says ${sizeBytes}`);
  const length = new Uint8Array(hasLength ? 4 : 0);
  if (hasLength) viewOf(length).setUint32(0, content.length, true);
  return concatBytes([length, content, new Uint8Array(sizeBytes - content.length).fill(byte)]);
}

function textOf(source: NvsCsvSource): string | undefined {
  return "text" in source ? source.text : decodeUtf8(source.bytes);
}

function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII has them.
  return /^[\x00-\x7f]*$/.test(text);
}

function fault(message: string): NvsCsvFault {
  return { column: "value", message };
}
