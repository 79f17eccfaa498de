import { isOtaError, OtaError } from "@tinybms/ota-core";
import { buildLoaderBlock, buildLoaderRequest, LoaderOp, loaderWords, STUB_GREETING } from "@tinybms/ota-core/serial";
import { blockSizeMax } from "../line/serial-line.ts";
import { ANSWER_TIMEOUT_MS, type LoaderLink } from "./loader-link.ts";
import { sendBlock } from "./send-block.ts";

/** A stub: code and data, and where they go in the chip's RAM. */
export interface Stub {
  readonly text: Uint8Array;
  readonly textAddress: number;
  readonly data: Uint8Array;
  readonly dataAddress: number;
  readonly entry: number;
}

/** What the ROM takes into RAM at once, in bytes. */
const RAM_BLOCK_SIZE = 0x1800;

/** How long a ROM may take to start the stub without having answered, in milliseconds. */
const START_TIMEOUT_MS = 500;

/**
 * Espressif's stub for a chip, as esptool-js brings it.
 *
 * @param chipName - In Espressif's spelling, such as `ESP32-C3`.
 * @throws {@link OtaError} `serial/unsupported-chip`.
 */
export async function loadStub(chipName: string, port: string): Promise<Stub> {
  const { getStubJsonByChipName } = await import("esptool-js/lib/stubFlasher.js");
  const found = await getStubJsonByChipName(chipName, 0);
  if (found === undefined) {
    const message = `there is no stub for the chip on ${port}, ${chipName}`;
    throw new OtaError("serial/unsupported-chip", message, { port, chip: chipName });
  }
  return {
    text: found.decodedText,
    textAddress: found.text_start,
    data: found.decodedData,
    dataAddress: found.data_start,
    entry: found.entry,
  };
}

/**
 * Puts a stub into RAM and starts it; from then on the link speaks to it.
 *
 * @throws {@link OtaError} `serial/noise` where it doesn't greet, and what {@link LoaderLink.command} does.
 */
export async function startStub(link: LoaderLink, stub: Stub): Promise<void> {
  await upload(link, stub.textAddress, stub.text);
  await upload(link, stub.dataAddress, stub.data);
  try {
    const jump = loaderWords(0, stub.entry);
    await link.exchange("MEM_END", LoaderOp.MEM_END, buildLoaderRequest(LoaderOp.MEM_END, jump), {
      timeoutMs: START_TIMEOUT_MS,
    });
  } catch (error) {
    // A ROM may be gone before its answer is.
    if (!isOtaError(error, "serial/noise")) throw error;
  }
  if (await link.expect(STUB_GREETING, "MEM_END", ANSWER_TIMEOUT_MS)) return;
  throw link.silence("MEM_END");
}

async function upload(link: LoaderLink, address: number, bytes: Uint8Array): Promise<void> {
  if (bytes.length === 0) return;
  const blockSize = Math.min(RAM_BLOCK_SIZE, blockSizeMax(link.line));
  const blocks = Math.ceil(bytes.length / blockSize);
  await link.command("MEM_BEGIN", LoaderOp.MEM_BEGIN, loaderWords(bytes.length, blocks, blockSize, address));
  for (let block = 0; block < blocks; block++) {
    const part = bytes.subarray(block * blockSize, (block + 1) * blockSize);
    await sendBlock(link, "MEM_DATA", buildLoaderBlock(LoaderOp.MEM_DATA, block, part), ANSWER_TIMEOUT_MS);
  }
}
