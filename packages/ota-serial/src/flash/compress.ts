import { deflate, Inflate } from "pako";

/** A piece of a compressed stream. */
export interface CompressedBlock {
  readonly bytes: Uint8Array;
  /** Bytes of flash that the board has to erase and write once it has this block. */
  readonly inflatedSize: number;
}

/** Compresses bytes as one zlib stream and cuts it into blocks. */
export function compressBlocks(bytes: Uint8Array, blockSize: number): readonly CompressedBlock[] {
  const stream = deflate(bytes, { level: 9 });
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
