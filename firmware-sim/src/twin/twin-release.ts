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

/** The image that the board is updated to. */
export interface Release {
  readonly file: string;
  readonly bytes: Uint8Array;
  /** SHA-256 of all bytes, in hex. */
  readonly sha256: string;
  /** Version under which it is released. */
  readonly version: string;
  readonly header: AppImageHeader;
  readonly descriptor: AppDescriptor;
  /** Signature after the image; `null` if there is none. */
  readonly signature: AppImageInspection["signature"];
}

/**
 * Reads the image of a release.
 *
 * @param given - Version of the release; by default that of the image's app descriptor.
 * @throws {@link OtaError} `package/version-unknown` and `package/version-invalid` as {@link releaseVersionOf}; `image/…`
 *   unless the file is a complete, valid app image followed by nothing or by its signature.
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
      const message = `${trailingSize} bytes follow the image but are not part of it; a device could not recognize it by its hash`;
      throw new OtaError("image/invalid", message, { offset: imageSize });
    }
    return { file, bytes, sha256: toHex(sha256(bytes)), header: image.header, descriptor: image.descriptor, signature };
  } catch (error) {
    if (!isOtaError(error)) throw error;
    const hint = error.hint ?? "give the app image that idf.py build writes: build/<project>.bin";
    throw new OtaError(error.code, `${file}: ${error.message}`, error.details, { cause: error, hint });
  }
}

/** Returns whether the file ends with its signature: a sector for v2, 68 bytes for v1. */
function isWhole({ signature, size }: AppImageInspection): boolean {
  return signature !== null && size === signature.offset + (signature.version === 2 ? 4096 : 68);
}

function notAnApp({ type, problems }: ReturnType<typeof inspectImage>): OtaError {
  const [problem] = problems;
  const message =
    type === "flash" ? "this is a flash dump, or the start of one; it must be an app image" : problem?.message;
  const code =
    problem?.code === "image/empty" || problem?.code === "image/wrong-chip" ? problem.code : "image/unknown-format";
  return new OtaError(code, message ?? "this is not an app image", { offset: 0 });
}
