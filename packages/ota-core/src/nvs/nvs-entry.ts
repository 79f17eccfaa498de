import { viewOf } from "../bytes.ts";
import { crc32 } from "../crc32.ts";
import { NVS_KEY_SIZE } from "./nvs-key.ts";
import { assertNvsSize } from "./nvs-size.ts";

/** Size of an entry in bytes. */
export const NVS_ENTRY_SIZE = 32;
/** Entries in a page. */
export const NVS_ENTRY_COUNT = 126;
/** Largest payload in one page, in bytes: all entries except the item's first. */
export const NVS_CHUNK_SIZE_MAX: number = NVS_ENTRY_SIZE * (NVS_ENTRY_COUNT - 1);
/** In a query: every namespace. */
export const NVS_NAMESPACE_ANY = 0xff;
/** In an entry: not a chunk of a blob. In a query: every chunk. */
export const NVS_CHUNK_ANY = 0xff;
/** First chunk index of each version of a blob. Updates alternate between them. In a query, `any` means both. */
export const NVS_CHUNK_START = { first: 0x00, second: 0x80, any: 0xff } as const;
/** Seed of every CRC-32 in NVS. */
export const NVS_CRC_SEED = 0xffff_ffff;

const CRC_OFFSET = 4;
const KEY_OFFSET = 8;
const DATA_OFFSET = 24;
const DATA_SIZE_BYTES = 8;
/** Largest size a blob index may name: 127 chunks of a page each. */
const BLOB_SIZE_BYTES_MAX = 127 * NVS_CHUNK_SIZE_MAX;

/** Types of an entry. The low nibble of a number type is its size in bytes. `any` occurs in queries only. */
export const NvsType = {
  u8: 0x01,
  i8: 0x11,
  u16: 0x02,
  i16: 0x12,
  u32: 0x04,
  i32: 0x14,
  u64: 0x08,
  i64: 0x18,
  float: 0x24,
  double: 0x28,
  string: 0x21,
  /** A blob of format version 1, in one piece. */
  blob: 0x41,
  blobData: 0x42,
  blobIndex: 0x48,
  any: 0xff,
} as const;

/** An entry of 32 bytes: a number, a blob's index, or the first entry of a string or of a blob's chunk. */
export interface NvsEntry {
  /** 0: the entry names a namespace. */
  readonly namespaceIndex: number;
  readonly type: number;
  /** Number of entries of the item, including this one. */
  readonly span: number;
  /** Chunk index; {@link NVS_CHUNK_ANY} except for `blobData`. */
  readonly chunkIndex: number;
  /** Key field, 16 bytes. */
  readonly key: Uint8Array;
  /** Data field, 8 bytes. */
  readonly data: Uint8Array;
}

/** The data field of a string or a chunk. */
export interface NvsVariableData {
  /** Size of the payload in bytes; of a string with its NUL. */
  readonly sizeBytes: number;
  /** CRC-32 of the payload. */
  readonly crc: number;
}

/** The data field of a blob's index. */
export interface NvsBlobIndex {
  /** Size of the whole blob in bytes. */
  readonly sizeBytes: number;
  readonly chunkCount: number;
  /** Index of the first chunk: 0x00 or 0x80, and the other one in the blob's next version. */
  readonly chunkStart: number;
}

/**
 * Returns the fields of an entry (ESP-IDF `nvs_types.hpp:Item`), without any check. Key and data share memory with
 * `bytes`.
 *
 * @param bytes - 32 bytes.
 */
export function parseNvsEntry(bytes: Uint8Array): NvsEntry {
  const [namespaceIndex = 0, type = 0, span = 0, chunkIndex = 0] = bytes;
  const key = bytes.subarray(KEY_OFFSET, DATA_OFFSET);
  return { namespaceIndex, type, span, chunkIndex, key, data: bytes.subarray(DATA_OFFSET, NVS_ENTRY_SIZE) };
}

/** Builds the 32 bytes of an entry, with its CRC. A key or data field that is too short is filled: NUL, 0xFF. */
export function buildNvsEntry(entry: NvsEntry): Uint8Array {
  const bytes = new Uint8Array(NVS_ENTRY_SIZE).fill(0xff, DATA_OFFSET);
  bytes.set([entry.namespaceIndex, entry.type, entry.span, entry.chunkIndex]);
  bytes.set(entry.key.subarray(0, NVS_KEY_SIZE), KEY_OFFSET);
  bytes.set(entry.data.subarray(0, DATA_SIZE_BYTES), DATA_OFFSET);
  viewOf(bytes).setUint32(CRC_OFFSET, entryCrc(bytes), true);
  return bytes;
}

/**
 * Returns `true` if an entry is consistent (ESP-IDF `Item::checkHeaderConsistency`): its CRC matches, its type is
 * known, its span fits type and size, it has a chunk index only if its type needs one, and it ends inside the page.
 *
 * @param bytes - 32 bytes.
 * @param entryIndex - Index of the entry in its page, 0 to 125.
 */
export function isConsistentNvsEntry(bytes: Uint8Array, entryIndex: number): boolean {
  if (!hasNvsEntryCrc(bytes)) return false;
  const [, type = 0, span = 0, chunkIndex = 0] = bytes;
  if (isNumberType(type)) return span === 1;
  if (type === NvsType.blobIndex) {
    return span === 1 && chunkIndex === NVS_CHUNK_ANY && uint32At(bytes, DATA_OFFSET) <= BLOB_SIZE_BYTES_MAX;
  }
  if (!isNvsVariableType(type)) return false;
  if (type === NvsType.blobData && chunkIndex === NVS_CHUNK_ANY) return false;
  const sizeBytes = uint32At(bytes, DATA_OFFSET) & 0xffff;
  return span <= NVS_ENTRY_COUNT - entryIndex && span === nvsSpanOf(sizeBytes);
}

/** Returns `true` if an entry's CRC matches its bytes. */
export function hasNvsEntryCrc(bytes: Uint8Array): boolean {
  return uint32At(bytes, CRC_OFFSET) === entryCrc(bytes);
}

/** Returns `true` if items of the type have a payload in the entries after the first. */
export function isNvsVariableType(type: number): boolean {
  return type === NvsType.string || type === NvsType.blobData || type === NvsType.blob;
}

/** Returns the number of entries of an item with a payload. */
export function nvsSpanOf(payloadSizeBytes: number): number {
  return 1 + Math.ceil(payloadSizeBytes / NVS_ENTRY_SIZE);
}

/**
 * Reads the data field of a string or a chunk.
 *
 * @throws {@link OtaError} `image/truncated` below 8 bytes.
 */
export function parseNvsVariableData(data: Uint8Array): NvsVariableData {
  assertNvsSize(data, DATA_SIZE_BYTES, "data field of an NVS entry");
  const view = viewOf(data);
  return { sizeBytes: view.getUint16(0, true), crc: view.getUint32(4, true) };
}

/** Returns the data field for a payload. */
export function buildNvsVariableData(payload: Uint8Array): Uint8Array {
  const data = new Uint8Array(DATA_SIZE_BYTES).fill(0xff);
  const view = viewOf(data);
  view.setUint16(0, payload.length, true);
  view.setUint32(4, crc32(payload, NVS_CRC_SEED), true);
  return data;
}

/**
 * Reads the data field of a blob's index.
 *
 * @throws {@link OtaError} `image/truncated` below 8 bytes.
 */
export function parseNvsBlobIndex(data: Uint8Array): NvsBlobIndex {
  assertNvsSize(data, DATA_SIZE_BYTES, "data field of an NVS entry");
  const view = viewOf(data);
  return { sizeBytes: view.getUint32(0, true), chunkCount: view.getUint8(4), chunkStart: view.getUint8(5) };
}

/** Returns the data field of a blob's index. */
export function buildNvsBlobIndex(index: NvsBlobIndex): Uint8Array {
  const data = new Uint8Array(DATA_SIZE_BYTES).fill(0xff);
  const view = viewOf(data);
  view.setUint32(0, index.sizeBytes, true);
  view.setUint8(4, index.chunkCount);
  view.setUint8(5, index.chunkStart);
  return data;
}

function isNumberType(type: number): boolean {
  const kind = type & 0xf0;
  const sizeBytes = type & 0x0f;
  if (kind === 0x20) return sizeBytes === 4 || sizeBytes === 8;
  return (kind === 0x00 || kind === 0x10) && (sizeBytes === 1 || sizeBytes === 2 || sizeBytes === 4 || sizeBytes === 8);
}

/** Without a `DataView`: entries are checked by the hundred at each start. */
function uint32At(bytes: Uint8Array, offset: number): number {
  const [b0 = 0, b1 = 0, b2 = 0, b3 = 0] = [bytes[offset], bytes[offset + 1], bytes[offset + 2], bytes[offset + 3]];
  return (b0 | (b1 << 8) | (b2 << 16) | (b3 << 24)) >>> 0;
}

function entryCrc(bytes: Uint8Array): number {
  return crc32(bytes, crc32(bytes, NVS_CRC_SEED, 0, CRC_OFFSET), KEY_OFFSET, NVS_ENTRY_SIZE);
}
