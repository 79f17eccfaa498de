import { type BigIntStats, statSync } from "node:fs";
import { toHex } from "../bytes.ts";
import { isOtaError, OtaError } from "../errors.ts";
import type { AppDescriptor } from "../image/app-descriptor.ts";
import type { AppImage } from "../image/app-image.ts";
import { chipsOfHardware } from "../image/chips.ts";
import { chipNameOf, createImageJudge, type ImageFault } from "../image/judge-image.ts";
import { isMissing, piecesOf, reasonOf } from "../manifest/load-file.ts";
import { createHashListBuilder } from "../messages/hash-list.ts";
import { sha256 } from "../sha256.ts";

/** Summary of an app image from its header and descriptor. */
export interface ImageSummary {
  /** ESP-IDF's name of the chip, or its id in hexadecimal if no supported chip has that id. */
  readonly chip: string;
  readonly projectName: string;
  readonly appVersion: string;
  readonly idfVersion: string;
  readonly secureVersion: number;
}

/** A completely read and valid app image. */
export interface Binary {
  readonly file: string;
  readonly size: number;
  /** SHA-256 of the file, lower-case hexadecimal. */
  readonly sha256: string;
  readonly image: ImageSummary;
  readonly chipId: number;
  /** SHA-256 of the hash list, lower-case hexadecimal, if {@link ReadBinaryOptions.withHashList} was set. */
  readonly hashListSha256: string | undefined;
  /**
   * Everything that keeps the file from being delivered, though its app image is sound.
   *
   * @param hardware - `product.hardware` of the release line.
   */
  faults(hardware: string | undefined): readonly ImageFault[];
}

/** Options of {@link readBinary}. */
export interface ReadBinaryOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether to hash each chunk, which a signed release needs. It takes as long as everything else. @defaultValue false */
  readonly withHashList?: boolean;
}

/**
 * Reads a binary once and checks that it is a valid app image: structure, checksum, hash and descriptor.
 *
 * @throws {@link OtaError} `package/binary-not-found`.
 * @throws {@link OtaError} `package/binary-unreadable`.
 * @throws {@link OtaError} `package/binary-changed` when it was written meanwhile.
 * @throws {@link OtaError} `image/…`; the signal's reason.
 */
export async function readBinary(file: string, options: ReadBinaryOptions = {}): Promise<Binary> {
  const { signal } = options;
  try {
    const before = statBinary(file);
    const judged = await judge(file, options).catch((fault: unknown) => ({ fault }));
    // A file from two builds is also an invalid image, but that error would be misleading.
    if (isOther(before, statBinary(file))) throw binaryChanged(file);
    if ("fault" in judged) throw judged.fault;
    return judged;
  } catch (error) {
    if (isOtaError(error)) throw error;
    if (signal?.aborted === true) throw signal.reason;
    if (!isMissing(error)) throw unreadable(file, reasonOf(error), error);
    const hint = "build the firmware first: idf.py build writes build/<project>.bin";
    throw new OtaError("package/binary-not-found", `${file}: there is no such file`, { file }, { cause: error, hint });
  }
}

/** Creates the error for a binary that was written while it was read. */
export function binaryChanged(file: string): OtaError<"package/binary-changed"> {
  const message = `${file} changed while it was read`;
  const hint = "wait until the build has ended, then package again";
  return new OtaError("package/binary-changed", message, { file }, { hint });
}

/**
 * Returns advice to state the chip if `product.hardware` is the whole family.
 *
 * @returns A sentence for hardware `esp32` and an image for another chip, else `undefined`.
 */
export function familyAdvice(chip: string, hardware: string | undefined): string | undefined {
  const allowed = hardware === undefined ? undefined : chipsOfHardware(hardware);
  if (allowed === undefined || allowed.length === 1 || chip === "esp32") return undefined;
  const proposal = `"hardware": "${chip}" would refuse images for other chips`;
  return `product.hardware ${hardware} means the whole family, and this image is for ${chip}: ${proposal}`;
}

function statBinary(file: string): BigIntStats {
  const found = statSync(file, { bigint: true });
  // Opening a named pipe would block.
  if (!found.isFile()) throw unreadable(file, found.isDirectory() ? "it is a folder" : "it is not a regular file");
  return found;
}

function isOther(before: BigIntStats, after: BigIntStats): boolean {
  const isSame = before.ino === after.ino && before.size === after.size && before.mtimeNs === after.mtimeNs;
  return !isSame || before.dev !== after.dev;
}

async function judge(file: string, { signal, withHashList = false }: ReadBinaryOptions): Promise<Binary> {
  const judge = createImageJudge();
  const hashes = withHashList ? createHashListBuilder() : undefined;
  for await (const piece of piecesOf(file, signal)) {
    judge.push(piece);
    hashes?.push(piece);
  }
  const judged = judge.finish();
  if (judged.sound === undefined) throw withFile(judged.unsound, file);
  const { image, fileSize, fileSha256 } = judged.sound;
  return {
    file,
    size: fileSize,
    sha256: toHex(fileSha256),
    image: summaryOf(image),
    chipId: image.header.chipId,
    hashListSha256: hashes === undefined ? undefined : toHex(sha256(hashes.finish())),
    faults: (hardware) => judged.faults(file, hardware),
  };
}

function summaryOf(image: AppImage & { readonly descriptor: AppDescriptor }): ImageSummary {
  const { projectName, version, idfVersion, secureVersion } = image.descriptor;
  return { chip: chipNameOf(image.header.chipId), projectName, appVersion: version, idfVersion, secureVersion };
}

function withFile(error: OtaError, file: string): OtaError {
  const hint = error.hint ?? "package takes the app image that idf.py build writes: build/<project>.bin";
  return new OtaError(error.code, `${file}: ${error.message}`, error.details, { cause: error, hint });
}

function unreadable(file: string, reason: string, cause?: unknown): OtaError<"package/binary-unreadable"> {
  return new OtaError("package/binary-unreadable", `${file} can't be read: ${reason}`, { file }, { cause });
}
