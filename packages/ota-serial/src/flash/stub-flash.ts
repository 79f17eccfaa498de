import { md5 } from "@noble/hashes/legacy.js";
import { concatBytes, equalBytes } from "@tinybms/ota-core";
import { buildLoaderBlock, LoaderOp, loaderWords } from "@tinybms/ota-core/serial";
import { ANSWER_TIMEOUT_MS, type LoaderLink } from "../loader/loader-link.ts";
import { sendBlock } from "../loader/send-block.ts";
import { compressBlocks } from "./compress.ts";

/** Longest times that Espressif states, in milliseconds per MiB. */
const WRITE_MS_PER_MIB = 40_000;
const MD5_MS_PER_MIB = 8_000;
const ERASE_MS_PER_MIB = 30_000;

/** Size of the packets of READ_FLASH, in bytes: the stub's largest. */
const READ_PACKET_SIZE = 0x1000;

/** Number of unacknowledged packets to request. The stub always sends one at a time. */
const READ_IN_FLIGHT = 64;

/**
 * Asks the board for the MD5 of a range of its flash.
 *
 * @returns 16 bytes.
 */
export async function flashMd5(link: LoaderLink, offset: number, size: number): Promise<Uint8Array> {
  const { payload } = await link.command("SPI_FLASH_MD5", LoaderOp.SPI_FLASH_MD5, loaderWords(offset, size, 0, 0), {
    timeoutMs: allowance(size, MD5_MS_PER_MIB),
    payloadSize: 16,
  });
  return payload;
}

/** Erases sectors. `offset` and `size` are multiples of 4096. */
export async function eraseRegion(link: LoaderLink, offset: number, size: number): Promise<void> {
  await link.command("ERASE_REGION", LoaderOp.ERASE_REGION, loaderWords(offset, size), {
    timeoutMs: allowance(size, ERASE_MS_PER_MIB),
  });
}

/**
 * Writes bytes as one compressed stream. The board erases as it writes. A block is sent again only if the loader reports
 * that it dropped the block: after a lost answer, the board might write it twice.
 *
 * @param blockSize - Largest block, in compressed bytes.
 * @param onProgress - Called with the number of bytes that the board has accepted.
 * @throws {@link OtaError} `serial/noise` if an answer was lost or corrupted; the flash may then hold anything.
 * @throws {@link OtaError} `serial/loader-refused` if the loader reports an error; likewise.
 */
export async function writeCompressed(
  link: LoaderLink,
  offset: number,
  bytes: Uint8Array,
  blockSize: number,
  onProgress: (written: number) => void,
): Promise<void> {
  const blocks = compressBlocks(bytes, blockSize);
  await link.command(
    "FLASH_DEFL_BEGIN",
    LoaderOp.FLASH_DEFL_BEGIN,
    loaderWords(bytes.length, blocks.length, blockSize, offset, 0),
    { timeoutMs: allowance(bytes.length, ERASE_MS_PER_MIB) },
  );
  let [taken, pending] = [0, 0];
  for (const [sequence, block] of blocks.entries()) {
    const request = buildLoaderBlock(LoaderOp.FLASH_DEFL_DATA, sequence, block.bytes);
    // A stub answers before it writes, so it may still be busy with the previous block.
    await sendBlock(link, "FLASH_DEFL_DATA", request, allowance(pending + block.inflatedSize, WRITE_MS_PER_MIB));
    pending = block.inflatedSize;
    taken += block.inflatedSize;
    onProgress(taken);
  }
  await link.command("FLASH_DEFL_END", LoaderOp.FLASH_DEFL_END, loaderWords(1), {
    timeoutMs: allowance(pending, WRITE_MS_PER_MIB),
  });
}

/**
 * Reads a range of the flash and compares it with the MD5 that the board sends at the end.
 *
 * @param onProgress - Called with the number of bytes read.
 * @throws {@link OtaError} `serial/noise` if the MD5 differs.
 */
export async function readFlash(
  link: LoaderLink,
  offset: number,
  size: number,
  onProgress: (read: number) => void,
): Promise<Uint8Array> {
  await link.command("READ_FLASH", LoaderOp.READ_FLASH, loaderWords(offset, size, READ_PACKET_SIZE, READ_IN_FLIGHT));
  const packets: Uint8Array[] = [];
  for (let read = 0; read < size; ) {
    const packet = await link.frame("READ_FLASH", ANSWER_TIMEOUT_MS);
    if (packet.length !== Math.min(READ_PACKET_SIZE, size - read)) throw link.silence("READ_FLASH");
    packets.push(packet);
    read += packet.length;
    await link.send(loaderWords(read));
    onProgress(read);
  }
  const bytes = concatBytes(packets);
  const sum = await link.frame("READ_FLASH", allowance(size, MD5_MS_PER_MIB));
  if (!equalBytes(sum, md5(bytes))) throw link.silence("READ_FLASH");
  return bytes;
}

function allowance(size: number, msPerMib: number): number {
  return ANSWER_TIMEOUT_MS + Math.ceil((size / 0x10_0000) * msPerMib);
}
