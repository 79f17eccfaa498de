import { md5 } from "@noble/hashes/legacy.js";
import { concatBytes, equalBytes } from "@tinybms/ota-core";
import { buildLoaderBlock, LoaderOp, loaderWords } from "@tinybms/ota-core/serial";
import { ANSWER_TIMEOUT_MS, type LoaderLink } from "../loader/loader-link.ts";
import { sendBlock } from "../loader/send-block.ts";
import { compressBlocks } from "./compress.ts";

/** Longest times by Espressif's figures, in milliseconds for 1 MiB. */
const WRITE_MS_PER_MIB = 40_000;
const MD5_MS_PER_MIB = 8_000;
const ERASE_MS_PER_MIB = 30_000;

/** Size of the packets in which a flash is read, in bytes: the stub's largest. */
const READ_PACKET_SIZE = 0x1000;

/** Packets asked for in flight; the stub sends one at a time whatever it is told. */
const READ_IN_FLIGHT = 64;

/** Has the board compute the MD5 of a piece of its flash: 16 bytes. */
export async function flashMd5(link: LoaderLink, offset: number, size: number): Promise<Uint8Array> {
  const { payload } = await link.command("SPI_FLASH_MD5", LoaderOp.SPI_FLASH_MD5, loaderWords(offset, size, 0, 0), {
    timeoutMs: allowance(size, MD5_MS_PER_MIB),
    payloadSize: 16,
  });
  return payload;
}

/** Erases sectors. */
export async function eraseRegion(link: LoaderLink, offset: number, size: number): Promise<void> {
  await link.command("ERASE_REGION", LoaderOp.ERASE_REGION, loaderWords(offset, size), {
    timeoutMs: allowance(size, ERASE_MS_PER_MIB),
  });
}

/**
 * Writes bytes as one compressed stream; the board erases as it goes. A block is sent again only where the loader says
 * that it dropped it: one sent again after a lost answer would be written twice.
 *
 * @param onProgress - Told how many of the bytes the board has taken.
 * @throws {@link OtaError} `serial/noise`.
 * @throws {@link OtaError} `serial/loader-refused`: what lies in the flash is then not known.
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
    // A stub answers first and writes then: it is the block before that it may be busy with.
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
 * Reads a piece of the flash, and compares it with the MD5 that the board sends behind it.
 *
 * @throws {@link OtaError} `serial/noise` where it differs.
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
