import type { BigIntStats } from "node:fs";
import { open, stat } from "node:fs/promises";
import { toHex } from "../bytes.ts";
import { isOtaError, OtaError } from "../errors.ts";
import { APP_DESCRIPTOR_OFFSET, type AppDescriptor } from "../image/app-descriptor.ts";
import { type AppImage, assertAppImage, verifyAppImage } from "../image/app-image.ts";
import { createAppImageScanner } from "../image/app-image-scanner.ts";
import { chipById, chipsOfHardware } from "../image/chips.ts";
import { assertImageEnd } from "../image/image-end.ts";
import { signatureOffset } from "../image/signature-block.ts";
import { isMissing, piecesOf, reasonOf } from "../manifest/load-file.ts";
import { createHashListBuilder } from "../messages/hash-list.ts";
import { sha256 } from "../sha256.ts";
import { foreignFile, isBootloader } from "./foreign-image.ts";

/** What a release says of its app image, from the image itself. */
export interface ImageSummary {
  /** ESP-IDF's name of the chip, or its id in hexadecimal where no supported chip has it. */
  readonly chip: string;
  readonly projectName: string;
  readonly appVersion: string;
  readonly idfVersion: string;
  readonly secureVersion: number;
}

/** A binary that was read whole and found to be a sound app image. */
export interface Binary {
  readonly file: string;
  readonly size: number;
  /** SHA-256 of the file, lower-case hexadecimal. */
  readonly sha256: string;
  readonly image: ImageSummary;
  /** What a signed release says of the image besides. */
  readonly released: { readonly hashListSha256: string; readonly chipId: number };
  /**
   * Whether the file ends with the image or its signature, as what is delivered in chunks must.
   *
   * @throws {@link OtaError} `image/invalid` where it doesn't.
   */
  assertEnd(): void;
}

/**
 * Reads a binary once and refuses whatever is no sound app image: checked are structure, checksum, hash and descriptor.
 *
 * @throws {@link OtaError} `package/binary-not-found`, `package/binary-unreadable`, `package/binary-changed` when it was
 *   written meanwhile, `image/…`; the signal's reason.
 */
export async function readBinary(file: string, signal?: AbortSignal): Promise<Binary> {
  try {
    const before = await statBinary(file);
    const judged = await judge(file, signal).catch((fault: unknown) => ({ fault }));
    // Half of one build and half of another is no image, but to say only that would mislead.
    if (isOther(before, await statBinary(file))) throw binaryChanged(file);
    if ("fault" in judged) throw judged.fault;
    return judged;
  } catch (error) {
    if (isOtaError(error)) throw error.code.startsWith("image/") ? withFile(error, file) : error;
    if (signal?.aborted === true) throw signal.reason;
    if (!isMissing(error)) throw unreadable(file, reasonOf(error), error);
    const hint = "build the firmware first: idf.py build writes build/<project>.bin";
    throw new OtaError("package/binary-not-found", `${file}: there is no such file`, { file }, { cause: error, hint });
  }
}

/** The binary was written while it was read: what was read is of no one build. */
export function binaryChanged(file: string): OtaError<"package/binary-changed"> {
  const message = `${file} changed while it was read`;
  const hint = "wait until the build has ended, then package again";
  return new OtaError("package/binary-changed", message, { file }, { hint });
}

/**
 * Compares the image's chip with the manifest's `product.hardware`.
 *
 * @returns What is worth a warning: `esp32` for an image of another chip of the family.
 * @throws {@link OtaError} `package/wrong-chip`.
 */
export function checkHardware({ file, image: { chip } }: Binary, hardware: string | undefined): string[] {
  const allowed = hardware === undefined ? undefined : chipsOfHardware(hardware);
  if (hardware === undefined || allowed === undefined) return [];
  const names = allowed.map(({ name }): string => name);
  if (!names.includes(chip)) {
    const message = `${file} is an image for ${chip}; product.hardware of the manifest is ${hardware}`;
    const hint = `build for ${names[0] ?? hardware} (idf.py set-target), or package it for the product that it is for`;
    throw new OtaError("package/wrong-chip", message, { file, chip, hardware }, { hint });
  }
  if (names.length === 1 || chip === "esp32") return [];
  const proposal = `"hardware": "${chip}" would let no image for another chip in`;
  return [`product.hardware ${hardware} means the whole family, and this image is for ${chip}: ${proposal}`];
}

async function statBinary(file: string): Promise<BigIntStats> {
  const found = await stat(file, { bigint: true });
  // Opening a named pipe would wait for ever.
  if (!found.isFile()) throw unreadable(file, found.isDirectory() ? "it is a folder" : "it is no regular file");
  return found;
}

function isOther(before: BigIntStats, after: BigIntStats): boolean {
  const isSame = before.ino === after.ino && before.size === after.size && before.mtimeNs === after.mtimeNs;
  return !isSame || before.dev !== after.dev;
}

async function judge(file: string, signal: AbortSignal | undefined): Promise<Binary> {
  const scanner = createAppImageScanner();
  const hashes = createHashListBuilder();
  let isFirst = true;
  for await (const piece of piecesOf(file, signal)) {
    const foreign = isFirst ? foreignFile(piece) : undefined;
    if (foreign !== undefined) throw new OtaError("image/invalid", `this is ${foreign}`, { offset: 0 });
    isFirst = false;
    scanner.push(piece);
    hashes.push(piece);
  }
  if (isFirst) throw new OtaError("image/truncated", "the file is empty", { offset: 0, needed: 24, actual: 0 });
  const { image, fileSize, fileSha256 } = scanner.finish();
  if (image.descriptor === undefined && isBootloader(image)) {
    const message = "this is a bootloader: no app descriptor at 0x20, and nothing of it is mapped from flash";
    throw new OtaError("image/invalid", message, { offset: APP_DESCRIPTOR_OFFSET });
  }
  assertAppImage(image);
  verifyAppImage(image);
  const sectorByte = await byteAt(file, signatureOffset(image.imageSize));
  return {
    file,
    size: fileSize,
    sha256: toHex(fileSha256),
    image: summaryOf(image),
    released: { hashListSha256: toHex(sha256(hashes.finish())), chipId: image.header.chipId },
    assertEnd: () => assertImageEnd(image.imageSize, fileSize, () => sectorByte),
  };
}

async function byteAt(file: string, offset: number): Promise<number | undefined> {
  const handle = await open(file, "r");
  try {
    const { bytesRead, buffer } = await handle.read(new Uint8Array(1), 0, 1, offset);
    return bytesRead === 1 ? buffer[0] : undefined;
  } finally {
    await handle.close();
  }
}

function summaryOf(image: AppImage & { readonly descriptor: AppDescriptor }): ImageSummary {
  const { chipId } = image.header;
  const { projectName, version, idfVersion, secureVersion } = image.descriptor;
  const chip = chipById(chipId)?.name ?? `0x${chipId.toString(16).padStart(4, "0")}`;
  return { chip, projectName, appVersion: version, idfVersion, secureVersion };
}

function withFile(error: OtaError, file: string): OtaError {
  const hint = "package takes the app image that idf.py build writes: build/<project>.bin";
  return new OtaError(error.code, `${file}: ${error.message}`, error.details, {
    cause: error,
    hint: error.hint ?? hint,
  });
}

function unreadable(file: string, reason: string, cause?: unknown): OtaError<"package/binary-unreadable"> {
  return new OtaError("package/binary-unreadable", `${file} can't be read: ${reason}`, { file }, { cause });
}
