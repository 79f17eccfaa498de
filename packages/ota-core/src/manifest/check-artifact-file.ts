import { isOtaError, type OtaError, type Problem } from "../errors.ts";
import type { AppDescriptor } from "../image/app-descriptor.ts";
import { type AppImage, assertAppImage, verifyAppImage } from "../image/app-image.ts";
import { APP_IMAGE_MAGIC } from "../image/app-image-header.ts";
import { createAppImageScanner } from "../image/app-image-scanner.ts";
import { type ArtifactOrigin, measureArtifact } from "./artifact-file.ts";

/** What an artifact's file turned out to be. */
export interface CheckedArtifact {
  /** Faults against the manifest's `size` and `sha256`; `path` is the member's name after a slash. */
  readonly mismatches: readonly Problem[];
  /** Present for a sound app image. */
  readonly image?: AppImage & { readonly descriptor: AppDescriptor };
  /** Why it is none. */
  readonly imageFault?: OtaError;
  /** Whether it begins as an app image does, so that it was meant to be one. */
  readonly startsAsImage: boolean;
  /** Bytes after the image that no device could tell: others than those of a signature sector. */
  readonly trailingSize: number;
}

/** Size of a flash sector, to which a signature is aligned, and of the signature itself, in bytes. */
const SECTOR_SIZE = 4096;

/** First byte of a signature block (ESP-IDF `ets_secure_boot_sig_block_t`). */
const SIGNATURE_MAGIC = 0xe7;

/**
 * Reads an artifact's file once and compares it with what the manifest says, and with what an app image must be.
 *
 * @param expected - The manifest's `size` and `sha256`, as far as they can be compared with.
 * @throws {@link OtaError} `manifest/artifact-not-found`.
 */
export async function checkArtifactFile(
  origin: ArtifactOrigin,
  path: string,
  expected: { readonly size?: number; readonly sha256?: string },
): Promise<CheckedArtifact> {
  const scanner = createAppImageScanner();
  let fault: OtaError | undefined;
  let fileSize = 0;
  let offset = 0;
  let first: number | undefined;
  let lastSectorStart: number | undefined;
  const onPiece = (piece: Uint8Array): void => {
    first ??= piece[0];
    lastSectorStart ??= piece[fileSize - SECTOR_SIZE - offset];
    offset += piece.length;
    fault ??= imageFaultOf(() => scanner.push(piece));
  };
  const onSize = (size: number): void => {
    fileSize = size;
  };
  const found = await measureArtifact(origin, path, { onSize, onPiece });
  const mismatches = mismatchesOf(path, expected, found);
  const startsAsImage = first === APP_IMAGE_MAGIC;
  const scanned = fault === undefined ? soundImage(() => scanner.finish().image) : { fault };
  if (scanned.image === undefined) return { mismatches, imageFault: scanned.fault, startsAsImage, trailingSize: 0 };
  const { image } = scanned;
  const signedSize = Math.ceil(image.imageSize / SECTOR_SIZE) * SECTOR_SIZE + SECTOR_SIZE;
  const isSigned = found.size === signedSize && lastSectorStart === SIGNATURE_MAGIC;
  return { mismatches, image, startsAsImage, trailingSize: isSigned ? 0 : image.trailingSize };
}

function mismatchesOf(
  path: string,
  expected: { readonly size?: number; readonly sha256?: string },
  found: { readonly size: number; readonly sha256: string },
): Problem[] {
  const code = "manifest/artifact-mismatch";
  if (expected.size !== undefined && expected.size !== found.size) {
    // Of another size it has another hash too: once is enough.
    return [
      { code, path: "/size", message: `the size of ${path} is ${found.size}; the manifest says ${expected.size}` },
    ];
  }
  const sha256 = expected.sha256?.toLowerCase();
  if (sha256 === undefined || sha256 === found.sha256) return [];
  return [{ code, path: "/sha256", message: `the SHA-256 of ${path} is ${found.sha256}; the manifest says ${sha256}` }];
}

type Scanned =
  | { readonly image: AppImage & { readonly descriptor: AppDescriptor } }
  | { readonly image?: undefined; readonly fault: OtaError };

function soundImage(finish: () => AppImage): Scanned {
  try {
    const image = finish();
    assertAppImage(image);
    verifyAppImage(image);
    return { image };
  } catch (error) {
    if (isOtaError(error)) return { fault: error };
    throw error;
  }
}

function imageFaultOf(step: () => void): OtaError | undefined {
  try {
    step();
    return undefined;
  } catch (error) {
    if (isOtaError(error)) return error;
    throw error;
  }
}
