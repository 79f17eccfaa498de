import { viewOf } from "../bytes.ts";
import { NvsType } from "./nvs-entry.ts";

/** Type of a value, named as in the column `encoding` of Espressif's generator and in the functions `nvs_get_…`. */
export type NvsValueType =
  | "u8"
  | "i8"
  | "u16"
  | "i16"
  | "u32"
  | "i32"
  | "u64"
  | "i64"
  | "float"
  | "double"
  | "string"
  | "blob";

const TYPE_NAMES: ReadonlyMap<number, NvsValueType> = new Map([
  [NvsType.u8, "u8"],
  [NvsType.i8, "i8"],
  [NvsType.u16, "u16"],
  [NvsType.i16, "i16"],
  [NvsType.u32, "u32"],
  [NvsType.i32, "i32"],
  [NvsType.u64, "u64"],
  [NvsType.i64, "i64"],
  [NvsType.float, "float"],
  [NvsType.double, "double"],
  [NvsType.string, "string"],
  [NvsType.blob, "blob"],
  [NvsType.blobIndex, "blob"],
]);

/**
 * Returns the type of the value that an entry begins, or `undefined` for a chunk of a blob.
 */
export function nvsValueType(type: number): NvsValueType | undefined {
  return TYPE_NAMES.get(type);
}

/**
 * Returns the number in an entry's data field.
 *
 * @param type - One of `NvsType`'s numbers.
 * @param data - The data field, 8 bytes.
 */
export function readNvsNumber(type: number, data: Uint8Array): number | bigint {
  const view = viewOf(data);
  switch (type) {
    case NvsType.u8:
      return view.getUint8(0);
    case NvsType.i8:
      return view.getInt8(0);
    case NvsType.u16:
      return view.getUint16(0, true);
    case NvsType.i16:
      return view.getInt16(0, true);
    case NvsType.i32:
      return view.getInt32(0, true);
    case NvsType.u64:
      return view.getBigUint64(0, true);
    case NvsType.i64:
      return view.getBigInt64(0, true);
    case NvsType.float:
      return view.getFloat32(0, true);
    case NvsType.double:
      return view.getFloat64(0, true);
    default:
      return view.getUint32(0, true);
  }
}

const SHORT_LENGTH_MAX = 32;
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/** Decodes text up to the first NUL. Bytes that are not UTF-8 become U+FFFD. */
export function readNvsText(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    if (byte === 0) return text;
    // A `TextDecoder` costs too much for a short key: a partition has hundreds.
    if (byte >= 0x80 || text.length >= SHORT_LENGTH_MAX) return decodeTerminated(bytes);
    text += String.fromCharCode(byte);
  }
  return text;
}

function decodeTerminated(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return DECODER.decode(end < 0 ? bytes : bytes.subarray(0, end));
}
