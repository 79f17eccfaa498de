import { isOtaError, OtaError } from "@tinybms/ota-core";
import { buildLoaderBlock, buildLoaderRequest, LoaderOp, loaderWords, STUB_GREETING } from "@tinybms/ota-core/serial";
import { blockSizeMax } from "../line/serial-line.ts";
import { ANSWER_TIMEOUT_MS, type LoaderLink } from "./loader-link.ts";
import { sendBlock } from "./send-block.ts";

/** Stub loader: code and data with their addresses in the chip's RAM. */
export interface Stub {
  readonly text: Uint8Array;
  readonly textAddress: number;
  readonly data: Uint8Array;
  readonly dataAddress: number;
  readonly entry: number;
}

/** Largest block that the ROM writes to RAM, in bytes. */
const RAM_BLOCK_SIZE = 0x1800;

/** How long to wait for the ROM's answer to MEM_END, in milliseconds. */
const START_TIMEOUT_MS = 500;

/**
 * Loads Espressif's stub for a chip from esptool-js.
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
 * Writes a stub to RAM and starts it. Afterwards the link talks to the stub.
 *
 * @throws {@link OtaError} `serial/noise` if the stub sends no greeting, and the codes of {@link LoaderLink.command}.
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
    // The ROM may jump to the stub before its answer is sent.
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
