import { utf8 } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import { formatHex } from "../format-hex.ts";
import {
  buildNvsBlobIndex,
  buildNvsVariableData,
  NVS_CHUNK_ANY,
  NVS_CHUNK_START,
  NVS_ENTRY_COUNT,
  NVS_ENTRY_SIZE,
  type NvsEntry,
  NvsType,
  nvsSpanOf,
} from "./nvs-entry.ts";
import { groupNvsEntries, type NvsEntryInput, type NvsPairInput } from "./nvs-entry-input.ts";
import { buildNvsInteger, NVS_INTEGERS, type NvsIntegerType } from "./nvs-integer.ts";
import { hashNvsKey, nvsKeyFromText } from "./nvs-key.ts";
import { NVS_PAGE_SIZE, NVS_VERSION } from "./nvs-page-header.ts";
import { NvsPageWriter } from "./nvs-page-writer.ts";

/** Size and format version of a partition to build. */
export interface NvsPartitionOptions {
  /**
   * Size of the partition in bytes, a multiple of 4096. From 0x3000 one page stays blank, which NVS needs to write;
   * below, every page may be filled, and the partition must be flagged `readonly` in the partition table.
   */
  readonly sizeBytes: number;
  /** Format version: 2, in which blobs may span pages; 1 for ESP-IDF before 3.2. @defaultValue 2 */
  readonly version?: 1 | 2 | undefined;
}

/** Size from which a device may write to a partition, in bytes. */
const WRITABLE_SIZE_MIN: number = 3 * NVS_PAGE_SIZE;
/** The largest flash that an ESP32 of any kind addresses, in bytes. */
const SIZE_MAX = 0x800_0000;
/** Version byte of format version 1. */
const NVS_VERSION_1 = 0xff;
/** Maximum size of a string or blob of format version 1 in Espressif's generator, in bytes: just under half a page. */
const VERSION_1_SIZE_MAX = 1984;
/** Maximum number of chunks of a blob. The other half of the indices is for its next version. */
const CHUNKS_MAX = 127;

/**
 * Builds an NVS partition with the same bytes as Espressif's `esp-idf-nvs-partition-gen` 0.3.0 from the CSV of
 * {@link formatNvsCsv}. One difference: below 0x3000 bytes, the generator omits blank pages at the end.
 *
 * Refuses two keys with the same 24-bit hash, which the generator writes: ESP-IDF's `Page::mLoadEntryTable` compares
 * only hashes and erases the first key as an old value. One in twenty thousand sets of forty random keys has such a
 * pair.
 *
 * @param entries - Entries; a key may occur once per namespace. Written by namespace, in the order of first appearance.
 * @returns `sizeBytes` bytes.
 * @throws {@link OtaError} `nvs/entry-invalid`.
 * @throws {@link OtaError} `nvs/size-invalid` with the required size.
 */
export function buildNvsPartition(entries: readonly NvsEntryInput[], options: NvsPartitionOptions): Uint8Array {
  const { sizeBytes, version = 2 } = options;
  checkSize(sizeBytes);
  const writer = new NvsWriter(version);
  for (const [index, { name, pairs }] of groupNvsEntries(entries).entries()) {
    writer.writeNamespace(name, index + 1);
    for (const pair of pairs) writer.write(index + 1, pair);
  }
  const { pages } = writer;
  const neededBytes = neededSize(pages.length, sizeBytes);
  if (neededBytes > sizeBytes) {
    const message = `the content needs a partition of ${formatHex(neededBytes)} bytes; ${formatHex(sizeBytes)} are too few`;
    throw new OtaError("nvs/size-invalid", message, { sizeBytes, neededBytes });
  }
  const bytes = new Uint8Array(sizeBytes).fill(0xff);
  for (const [index, page] of pages.entries()) bytes.set(page.bytes, index * NVS_PAGE_SIZE);
  return bytes;
}

/** Namespace and key of a value. A namespace itself has an empty key. */
type NvsPlace = Pick<NvsPairInput, "namespace" | "key">;

/** Places items in pages as Espressif's generator does. */
class NvsWriter {
  readonly pages: NvsPageWriter[] = [];
  readonly #version: 1 | 2;
  /** Name of the key with each hash. */
  readonly #owners: Map<number, string> = new Map();
  #page: NvsPageWriter;

  constructor(version: 1 | 2) {
    this.#version = version;
    this.#page = this.#openPage();
  }

  writeNamespace(name: string, index: number): void {
    this.#writeInteger(0, { namespace: name, key: "" }, name, "u8", index);
  }

  write(namespaceIndex: number, pair: NvsPairInput): void {
    if (pair.type === "string") this.#writeWhole(namespaceIndex, pair, NvsType.string, utf8(`${pair.value}\0`));
    else if (pair.type !== "blob") this.#writeInteger(namespaceIndex, pair, pair.key, pair.type, pair.value);
    else if (this.#version === 1) this.#writeWhole(namespaceIndex, pair, NvsType.blob, pair.value);
    else this.#writeChunks(namespaceIndex, pair, pair.value);
  }

  #writeInteger(
    namespaceIndex: number,
    place: NvsPlace,
    name: string,
    type: NvsIntegerType,
    value: number | bigint,
  ): void {
    if (this.#page.room === 0) this.#nextPage();
    const field = { chunkIndex: NVS_CHUNK_ANY, key: nvsKeyFromText(name).bytes, data: buildNvsInteger(type, value) };
    this.#append(place, { namespaceIndex, type: NVS_INTEGERS[type].type, span: 1, ...field });
  }

  /** Writes a string, or a blob of format version 1, into one page. */
  #writeWhole(namespaceIndex: number, place: NvsPlace, type: number, payload: Uint8Array): void {
    if (this.#version === 1 && payload.length > VERSION_1_SIZE_MAX) {
      throw invalid(place, `is ${payload.length} bytes long; format version 1 takes at most ${VERSION_1_SIZE_MAX}`);
    }
    const span = nvsSpanOf(payload.length);
    // After such an item, the generator leaves at least one entry of the page free.
    if (this.#page.entryCount + span >= NVS_ENTRY_COUNT) this.#nextPage();
    const data = buildNvsVariableData(payload);
    const field = { chunkIndex: NVS_CHUNK_ANY, key: nvsKeyFromText(place.key).bytes, data };
    this.#append(place, { namespaceIndex, type, span, ...field }, payload);
  }

  /** Writes a blob of format version 2: chunks that fill each page to its end, then the index. */
  #writeChunks(namespaceIndex: number, place: NvsPlace, blob: Uint8Array): void {
    if (this.#page.room === 0) this.#nextPage();
    const key = nvsKeyFromText(place.key).bytes;
    let chunkCount = 0;
    let offset = 0;
    do {
      const payload = blob.subarray(offset, offset + NVS_ENTRY_SIZE * (this.#page.room - 1));
      const span = nvsSpanOf(payload.length);
      const field = { chunkIndex: NVS_CHUNK_START.first + chunkCount++, key, data: buildNvsVariableData(payload) };
      this.#append(place, { namespaceIndex, type: NvsType.blobData, span, ...field }, payload);
      offset += payload.length;
      if (offset < blob.length || this.#page.room === 0) this.#nextPage();
    } while (offset < blob.length);
    if (chunkCount > CHUNKS_MAX) {
      throw invalid(place, `would have ${chunkCount} chunks at this position; a blob has at most ${CHUNKS_MAX}`);
    }
    const data = buildNvsBlobIndex({ sizeBytes: blob.length, chunkCount, chunkStart: NVS_CHUNK_START.first });
    this.#append(place, { namespaceIndex, type: NvsType.blobIndex, span: 1, chunkIndex: NVS_CHUNK_ANY, key, data });
  }

  #append(place: NvsPlace, entry: NvsEntry, payload?: Uint8Array): void {
    const hash = hashNvsKey(entry.namespaceIndex, entry.key, entry.chunkIndex);
    const owner = this.#owners.get(hash);
    if (owner !== undefined) {
      const reason = "by which NVS distinguishes keys, so a device may erase the first";
      throw invalid(place, `has the same 24-bit hash as ${owner}, ${reason}; rename one of them`);
    }
    this.#owners.set(hash, nameOf(place));
    this.#page.append(entry, payload);
  }

  #nextPage(): void {
    this.#page.close();
    this.#page = this.#openPage();
  }

  #openPage(): NvsPageWriter {
    const page = new NvsPageWriter(this.pages.length, this.#version === 1 ? NVS_VERSION_1 : NVS_VERSION);
    this.pages.push(page);
    return page;
  }
}

function nameOf({ namespace, key }: NvsPlace): string {
  return key === "" ? `the namespace ${namespace}` : `${namespace}/${key}`;
}

function invalid(place: NvsPlace, problem: string): OtaError<"nvs/entry-invalid"> {
  const { namespace, key } = place;
  return new OtaError("nvs/entry-invalid", `${nameOf(place)} ${problem}`, { namespace, key });
}

function checkSize(sizeBytes: number): void {
  const isWhole = Number.isSafeInteger(sizeBytes) && sizeBytes % NVS_PAGE_SIZE === 0;
  if (isWhole && sizeBytes >= NVS_PAGE_SIZE && sizeBytes <= SIZE_MAX) return;
  const limits = `a multiple of ${NVS_PAGE_SIZE} from ${formatHex(NVS_PAGE_SIZE)} to ${formatHex(SIZE_MAX)}`;
  // Callers in JavaScript may pass any value, even one that can't be converted to text.
  const size = typeof sizeBytes === "number" ? String(sizeBytes) : `a ${typeof sizeBytes} of`;
  const message = `a partition of ${size} bytes can't be made: its size must be ${limits}`;
  throw new OtaError("nvs/size-invalid", message, { sizeBytes });
}

/**
 * Returns the smallest size of the same kind (writable or read-only) for a number of pages; writable if read-only
 * can't.
 */
function neededSize(pageCount: number, sizeBytes: number): number {
  const readOnlySize = pageCount * NVS_PAGE_SIZE;
  if (sizeBytes < WRITABLE_SIZE_MIN && readOnlySize < WRITABLE_SIZE_MIN) return readOnlySize;
  return Math.max(WRITABLE_SIZE_MIN, readOnlySize + NVS_PAGE_SIZE);
}
