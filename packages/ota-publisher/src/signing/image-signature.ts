import { readFile, stat } from "node:fs/promises";
import { OtaError, sha256, toHex } from "@tinybms/ota-core";
import { APP_IMAGE_MAGIC, parseAppImage, verifyAppImage } from "@tinybms/ota-core/esp";

/** App image that can have a detached signature. */
export interface SignableImage {
  readonly file: string;
  readonly bytes: Uint8Array;
  /** SHA-256 of the file, lower-case hexadecimal. */
  readonly sha256: string;
  /** Size of the image without what follows it, in bytes. */
  readonly imageSize: number;
}

/** Largest image to read, in bytes. No flash is larger than 128 MiB, and no app is nearly as large as 32 MiB. */
const IMAGE_SIZE_MAX = 32 * 1024 * 1024;

/**
 * Reads a file to sign or to verify. Refuses files that are not valid app images: so a detached signature can never be
 * valid for an envelope, whose signed bytes begin with `tinybms-ota/`.
 *
 * @throws {@link OtaError} `image/file-unreadable`, `signing/not-an-image`.
 */
export async function readSignableImage(file: string): Promise<SignableImage> {
  const bytes = await read(file);
  try {
    const image = parseAppImage(bytes);
    verifyAppImage(image);
    return { file, bytes, sha256: toHex(sha256(bytes)), imageSize: image.imageSize };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `${file} is not a valid ESP image: ${reason}`;
    const isImage = bytes[0] === APP_IMAGE_MAGIC;
    const hint = isImage
      ? "idf.py build writes a complete one: build/<project>.bin"
      : "detached signatures are for app images; releases, offers and key sets are signed by the commands that create them";
    throw new OtaError("signing/not-an-image", message, { file }, { cause: error, hint });
  }
}

async function read(file: string): Promise<Uint8Array> {
  const found = await stat(file).catch((cause: unknown) => {
    throw unreadable(file, "can't be opened", cause);
  });
  if (!found.isFile()) throw unreadable(file, "is not a regular file");
  if (found.size > IMAGE_SIZE_MAX) throw unreadable(file, `is ${found.size} bytes; no app image is larger than 32 MiB`);
  try {
    return new Uint8Array(await readFile(file));
  } catch (cause) {
    throw unreadable(file, "can't be read", cause);
  }
}

function unreadable(file: string, why: string, cause?: unknown): OtaError<"image/file-unreadable"> {
  const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
  return new OtaError("image/file-unreadable", `${file} ${why}${code}`, { file }, { cause });
}
