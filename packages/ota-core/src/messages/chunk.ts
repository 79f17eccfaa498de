import { assert } from "../assert.ts";
import { fromHex, toHex, viewOf } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import { formatHex } from "../format-hex.ts";
import { CHUNK_SIZE } from "./timing.ts";

/** Size of the header of a chunk message in bytes. */
export const CHUNK_HEADER_SIZE = 20;

/** The first two bytes of a chunk message, little-endian: `TB`. */
const MAGIC = 0x4254;
const VERSION = 1;

/** Flag: the data is the chunk compressed with raw DEFLATE (RFC 1951). */
const FLAG_DEFLATE = 0x01;

/** Number of bytes of the image's SHA-256 in a chunk message. */
const IMAGE_SIZE = 8;

const Offset = { magic: 0, version: 2, flags: 3, image: 4, index: 12, length: 16, reserved: 18 } as const;

/** A parsed chunk message. */
export interface Chunk {
  /** The first 8 bytes of the image's SHA-256, 16 lower-case hexadecimal digits. */
  readonly image: string;
  /** Position in the image, in chunks of {@link CHUNK_SIZE}. May lie beyond the image. */
  readonly index: number;
  /** Whether `bytes` are the chunk compressed with raw DEFLATE (RFC 1951). */
  readonly deflate: boolean;
  /** 1 to {@link CHUNK_SIZE} bytes, a view of the message. */
  readonly bytes: Uint8Array;
}

/** Input of {@link buildChunk}. */
export interface ChunkParts {
  /** The image's name in topics: 32 hexadecimal digits. */
  readonly image: string;
  readonly index: number;
  /** 1 to {@link CHUNK_SIZE} bytes. */
  readonly bytes: Uint8Array;
  /** Whether `bytes` are the chunk compressed with raw DEFLATE. @defaultValue `false` */
  readonly deflate?: boolean;
}

/**
 * Builds a chunk message: a header of 20 bytes, little-endian, then the data.
 *
 * @see docs/protocol.md, "Chunk".
 */
export function buildChunk(parts: ChunkParts): Uint8Array {
  const payload = new Uint8Array(CHUNK_HEADER_SIZE + parts.bytes.length);
  writeChunk(payload, parts, imageBytesOf(parts.image));
  return payload;
}

/** Number of messages that share one allocation of a {@link ChunkBuilder}. */
const SLAB_CHUNKS = 16;

/**
 * Builder of many chunk messages of one image. Equivalent to {@link buildChunk} with a sixteenth of its allocations.
 */
export class ChunkBuilder {
  readonly #image: string;
  readonly #imageBytes: Uint8Array;
  #slab = new Uint8Array(0);

  /** @param image - The image's name in topics: 32 hexadecimal digits. */
  constructor(image: string) {
    this.#image = image;
    this.#imageBytes = imageBytesOf(image);
  }

  /** Builds the message of one chunk. Later calls do not change it. */
  build(index: number, bytes: Uint8Array): Uint8Array {
    const size = CHUNK_HEADER_SIZE + bytes.length;
    if (this.#slab.length < size) this.#slab = new Uint8Array(SLAB_CHUNKS * (CHUNK_HEADER_SIZE + CHUNK_SIZE));
    const payload = this.#slab.subarray(0, size);
    this.#slab = this.#slab.subarray(size);
    writeChunk(payload, { image: this.#image, index, bytes }, this.#imageBytes);
    return payload;
  }
}

function imageBytesOf(image: string): Uint8Array {
  const id = fromHex(image.slice(0, 2 * IMAGE_SIZE));
  assert(image.length === 32 && id !== undefined, "the id of an image is 32 hexadecimal digits");
  return id;
}

function writeChunk(payload: Uint8Array, { index, bytes, deflate = false }: ChunkParts, id: Uint8Array): void {
  assert(Number.isInteger(index) && index >= 0 && index <= 0xffff_ffff, "a chunk's index fits into 32 bits");
  assert(bytes.length >= 1 && bytes.length <= CHUNK_SIZE, "a chunk holds 1 to 4096 bytes");
  const view = viewOf(payload);
  view.setUint16(Offset.magic, MAGIC, true);
  view.setUint8(Offset.version, VERSION);
  view.setUint8(Offset.flags, deflate ? FLAG_DEFLATE : 0);
  payload.set(id, Offset.image);
  view.setUint32(Offset.index, index, true);
  view.setUint16(Offset.length, bytes.length, true);
  payload.set(bytes, CHUNK_HEADER_SIZE);
}

/**
 * Parses a chunk message. Does not check that the chunk belongs to an image: {@link HashList.matches} does.
 *
 * @param payload - The whole message. The result is a view of it.
 * @throws {@link OtaError} `protocol/too-large` if the message exceeds header and {@link CHUNK_SIZE} bytes.
 * @throws {@link OtaError} `protocol/malformed` if magic, version, flags, length or the reserved field are wrong.
 */
export function parseChunk(payload: Uint8Array): Chunk {
  const limit = CHUNK_HEADER_SIZE + CHUNK_SIZE;
  if (payload.length > limit) {
    throw new OtaError(
      "protocol/too-large",
      `the chunk message has ${payload.length} bytes; it must have at most ${limit}`,
      {
        message: "chunk",
        size: payload.length,
        limit,
      },
    );
  }
  if (payload.length <= CHUNK_HEADER_SIZE)
    throw malformed("length", `the message has ${payload.length} bytes; it must have more than ${CHUNK_HEADER_SIZE}`);
  const view = viewOf(payload);
  const magic = view.getUint16(Offset.magic, true);
  if (magic !== MAGIC) throw malformed("magic", `magic is ${formatHex(magic)}; it must be ${formatHex(MAGIC)}`);
  const version = view.getUint8(Offset.version);
  if (version !== VERSION) throw malformed("version", `version is ${version}; it must be ${VERSION}`);
  const flags = view.getUint8(Offset.flags);
  if ((flags & ~FLAG_DEFLATE) !== 0) throw malformed("flags", `flags are ${formatHex(flags)}; only bit 0 may be set`);
  const length = view.getUint16(Offset.length, true);
  const rest = payload.length - CHUNK_HEADER_SIZE;
  if (length !== rest) throw malformed("length", `length is ${length}; ${rest} bytes follow the header`);
  const reserved = view.getUint16(Offset.reserved, true);
  if (reserved !== 0) throw malformed("reserved", `the reserved field is ${formatHex(reserved)}; it must be 0`);
  return {
    image: toHex(payload.subarray(Offset.image, Offset.image + IMAGE_SIZE)),
    index: view.getUint32(Offset.index, true),
    deflate: (flags & FLAG_DEFLATE) !== 0,
    bytes: payload.subarray(CHUNK_HEADER_SIZE),
  };
}

function malformed(path: string, reason: string): OtaError<"protocol/malformed"> {
  return new OtaError("protocol/malformed", `chunk: ${reason}`, { message: "chunk", path });
}
