import { concatBytes } from "../bytes.ts";
import { isOtaError, OtaError } from "../errors.ts";
import { APP_DESCRIPTOR_OFFSET, type AppDescriptor } from "./app-descriptor.ts";
import { type AppImage, assertAppImage, verifyAppImage } from "./app-image.ts";
import { APP_IMAGE_HEADER_SIZE, APP_IMAGE_MAGIC } from "./app-image-header.ts";
import { type AppImageReport, type AppImageScanner, createAppImageScanner } from "./app-image-scanner.ts";
import { chipById, chipsOfHardware } from "./chips.ts";
import { foreignFile, isBootloader } from "./foreign-image.ts";
import { assertImageEnd } from "./image-end.ts";
import { SIGNATURE_SECTOR_SIZE } from "./signature-block.ts";

/** A complete app image with a valid checksum, hash and descriptor. */
export type SoundImage = AppImageReport & { readonly image: AppImage & { readonly descriptor: AppDescriptor } };

/** A reason why a file can't be delivered as an app image. */
export interface ImageFault {
  readonly error: OtaError;
  /**
   * `every-way`: the image is broken or for another chip, and is not delivered at all. `installing`: devices can't
   * install the file, but blob mode and HTTPS deliver it like any other file.
   */
  readonly blocks: "every-way" | "installing";
}

/** The parsed image, or the reason why the file is not a valid app image. */
type Outcome =
  | { readonly sound: SoundImage; readonly unsound?: undefined }
  | { readonly sound?: undefined; readonly unsound: OtaError };

/** Result of {@link ImageJudge.finish}. */
export type JudgedImage = Outcome & {
  /** Whether the file does not begin like an app image. */
  readonly isPlaceholder: boolean;
  /**
   * Returns every reason why the file can't be delivered as an app image.
   *
   * @param file - The file's name, for messages.
   * @param hardware - `product.hardware` of the release line.
   */
  faults(file: string, hardware: string | undefined): readonly ImageFault[];
};

/** Checks a file piece by piece. */
export interface ImageJudge {
  /** Reads the next bytes of the file. Does not keep a reference to them. Never throws. */
  push(bytes: Uint8Array): void;
  /** Ends the file and returns the result. */ finish(): JudgedImage;
}

/**
 * Creates a check of whether a file is an app image that devices can install. `package`, `validate` and `deploy` all
 * use it, so that none of them refuses a file that another one accepts.
 */
export function createImageJudge(): ImageJudge {
  const scanner = createAppImageScanner();
  let head: Uint8Array = new Uint8Array(0);
  let sizeBytes = 0;
  let sectorByte: number | undefined;
  let unsound: OtaError | undefined;
  return {
    push(bytes) {
      if (head.length < APP_IMAGE_HEADER_SIZE) head = concatBytes([head, bytes.subarray(0, APP_IMAGE_HEADER_SIZE)]);
      // Only the last sector can be a signature, so the first byte of the latest sector is enough.
      const lastSector = Math.floor((sizeBytes + bytes.length - 1) / SIGNATURE_SECTOR_SIZE) * SIGNATURE_SECTOR_SIZE;
      if (bytes.length > 0 && lastSector >= sizeBytes) sectorByte = bytes[lastSector - sizeBytes];
      sizeBytes += bytes.length;
      unsound ??= faultOf(() => scanner.push(bytes));
    },
    finish() {
      const outcome = outcomeOf(foreignFault(head, sizeBytes) ?? unsound, scanner);
      const isPlaceholder = head[0] !== APP_IMAGE_MAGIC;
      const endByte = sectorByte;
      const faults = (file: string, hardware: string | undefined): ImageFault[] => {
        const { sound, unsound: fault } = outcome;
        if (sound !== undefined) return [...endFaults(file, sound, endByte), ...chipFaults(file, sound, hardware)];
        if (isPlaceholder) return [{ error: placeholder(file, fault), blocks: "installing" }];
        return [{ error: ofFile(file, fault), blocks: "every-way" }];
      };
      return { ...outcome, isPlaceholder, faults };
    },
  };
}

/** Returns the error for a file that its first bytes identify; it says more than the scanner's error. */
function foreignFault(head: Uint8Array, sizeBytes: number): OtaError | undefined {
  if (sizeBytes === 0) {
    return new OtaError("image/truncated", "the file is empty", {
      offset: 0,
      needed: APP_IMAGE_HEADER_SIZE,
      actual: 0,
    });
  }
  const foreign = foreignFile(head);
  return foreign === undefined ? undefined : new OtaError("image/invalid", `this is ${foreign}`, { offset: 0 });
}

function outcomeOf(fault: OtaError | undefined, scanner: AppImageScanner): Outcome {
  if (fault !== undefined) return { unsound: fault };
  try {
    return { sound: soundImage(scanner.finish()) };
  } catch (error) {
    if (isOtaError(error)) return { unsound: error };
    throw error;
  }
}

function faultOf(step: () => void): OtaError | undefined {
  try {
    step();
    return undefined;
  } catch (error) {
    if (isOtaError(error)) return error;
    throw error;
  }
}

function soundImage({ image, ...rest }: AppImageReport): SoundImage {
  if (image.descriptor === undefined && isBootloader(image)) {
    const message = "this is a bootloader: no app descriptor at 0x20, and no segment is mapped from flash";
    throw new OtaError("image/invalid", message, { offset: APP_DESCRIPTOR_OFFSET });
  }
  assertAppImage(image);
  verifyAppImage(image);
  return { image, ...rest };
}

function endFaults(file: string, { image, fileSize }: SoundImage, sectorByte: number | undefined): ImageFault[] {
  try {
    assertImageEnd(image.imageSize, fileSize, () => sectorByte);
    return [];
  } catch (error) {
    if (!isOtaError(error)) throw error;
    return [{ error: ofFile(file, error), blocks: "installing" }];
  }
}

function chipFaults(file: string, { image }: SoundImage, hardware: string | undefined): ImageFault[] {
  const allowed = hardware === undefined ? undefined : chipsOfHardware(hardware);
  const { chipId } = image.header;
  if (hardware === undefined || allowed === undefined || allowed.some(({ id }) => id === chipId)) return [];
  const chip = chipNameOf(chipId);
  const message = `${file} is an image for ${chip}; product.hardware of the manifest is ${hardware}`;
  const wanted = allowed[0]?.name ?? hardware;
  const hint = `build for ${wanted} (idf.py set-target), or package it for the product with that chip`;
  const error = new OtaError("package/wrong-chip", message, { file, chip, hardware }, { hint });
  return [{ error, blocks: "every-way" }];
}

/** Returns ESP-IDF's name of a chip, or its id in hexadecimal if no supported chip has that id. */
export function chipNameOf(chipId: number): string {
  return chipById(chipId)?.name ?? `0x${chipId.toString(16).padStart(4, "0")}`;
}

function placeholder(file: string, cause: OtaError): OtaError<"image/placeholder"> {
  const message = `${file} is not an app image (${cause.message}); no device can install it`;
  const hint = "tinybms-ota package replaces it with the app image of a build: build/<project>.bin";
  return new OtaError("image/placeholder", message, { file }, { cause, hint });
}

function ofFile(file: string, error: OtaError): OtaError {
  const hint = error.hint ?? "the app image is what idf.py build writes: build/<project>.bin";
  return new OtaError(error.code, `${file}: ${error.message}`, error.details, { cause: error, hint });
}
