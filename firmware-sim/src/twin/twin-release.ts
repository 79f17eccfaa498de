import { isOtaError, OtaError, sha256, toHex } from "@tinybms/ota-core";
import {
  type AppDescriptor,
  type AppImageHeader,
  type AppImageInspection,
  assertAppImage,
  inspectImage,
  parseAppImage,
  verifyAppImage,
} from "@tinybms/ota-core/esp";

import { releaseVersionOf } from "../simulation/release-version.ts";

/** The image that a board is to be updated to. */
export interface Release {
  readonly file: string;
  readonly bytes: Uint8Array;
  /** Of all bytes: hex. */
  readonly sha256: string;
  /** What it is released as. */
  readonly version: string;
  readonly header: AppImageHeader;
  readonly descriptor: AppDescriptor;
  /** What follows the image, if that is a signature. */
  readonly signature: AppImageInspection["signature"];
}

/**
 * Reads the image of a release.
 *
 * @param given - Version of the release; that of the image's app descriptor without it.
 * @throws OtaError `package/version-unknown` and `package/version-invalid` as {@link releaseVersionOf}; `image/…` for anything but a whole, sound app image with nothing behind it but its signature.
 */
export function readRelease(file: string, bytes: Uint8Array, given: string | undefined): Release {
  const image = readImage(file, bytes);
  return { ...image, version: releaseVersionOf(file, image.descriptor.version, given) };
}

function readImage(file: string, bytes: Uint8Array): Omit<Release, "version"> {
  try {
    const inspection = inspectImage(bytes);
    if (inspection.type === "unknown" || inspection.type === "flash") throw notAnApp(inspection);
    const image = parseAppImage(bytes);
    verifyAppImage(image);
    assertAppImage(image);
    const { imageSize, trailingSize } = image;
    const signature = inspection.type === "app-image" ? inspection.signature : null;
    const isMeasured = inspection.type === "app-image" && isWhole(inspection);
    if (trailingSize > 0 && !isMeasured) {
      const message = `${trailingSize} bytes follow the image that are no part of it: no device could recognise it again`;
      throw new OtaError("image/invalid", message, { offset: imageSize });
    }
    return { file, bytes, sha256: toHex(sha256(bytes)), header: image.header, descriptor: image.descriptor, signature };
  } catch (error) {
    if (!isOtaError(error)) throw error;
    const hint = error.hint ?? "the update is the app image that idf.py build writes: build/<project>.bin";
    throw new OtaError(error.code, `${file}: ${error.message}`, error.details, { cause: error, hint });
  }
}

/** Whether the file ends with its signature: a sector of v2, or the 68 bytes of v1. */
function isWhole({ signature, size }: AppImageInspection): boolean {
  return signature !== null && size === signature.offset + (signature.version === 2 ? 4096 : 68);
}

function notAnApp({ type, problems }: ReturnType<typeof inspectImage>): OtaError {
  const [problem] = problems;
  const message =
    type === "flash" ? "this is a whole flash, or the beginning of one; it must be an app image" : problem?.message;
  const code =
    problem?.code === "image/empty" || problem?.code === "image/wrong-chip" ? problem.code : "image/unknown-format";
  return new OtaError(code, message ?? "this is no app image", { offset: 0 });
}
