import { deflate, Inflate } from "pako";

/** A piece of a compressed stream. */
export interface CompressedBlock {
  readonly bytes: Uint8Array;
  /** Bytes of flash that the board has to erase and write once it has this block. */
  readonly inflatedSize: number;
}

/**
 * How zlib may divide a stream (`memLevel`, its default is 8). Which leaves fewer bytes depends on the image: of three
 * published ones two are smaller by 7, one by 8, each by about 1 in 1000.
 */
const MEMORY_LEVELS = [8, 7] as const;

/** Compresses bytes as one zlib stream, as small as zlib makes it, and cuts it into blocks. */
export function compressBlocks(bytes: Uint8Array, blockSize: number): readonly CompressedBlock[] {
  // The hash that pako takes without being told leaves 2 % more.
  const streams = MEMORY_LEVELS.map((memLevel) => deflate(bytes, { level: 9, memLevel, legacyHash: true }));
  const stream = streams.reduce((best, other) => (other.length < best.length ? other : best));
  const inflate = new Inflate({ chunkSize: 0x4000 });
  let inflated = 0;
  inflate.onData = (chunk) => {
    inflated += chunk.length;
  };
  const blocks: CompressedBlock[] = [];
  for (let start = 0; start < stream.length; start += blockSize) {
    const before = inflated;
    const block = stream.subarray(start, start + blockSize);
    inflate.push(block, start + blockSize >= stream.length);
    blocks.push({ bytes: block, inflatedSize: inflated - before });
  }
  return blocks;
}
