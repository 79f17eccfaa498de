import { OtaError } from "../errors.ts";
import { SIGNATURE_BLOCK_MAGIC, SIGNATURE_SECTOR_SIZE, signatureOffset } from "./signature-block.ts";

/** Size of a Secure Boot v1 signature in bytes: a version and 64 bytes (`esp_secure_boot_sig_block_t`). */
const SIGNATURE_V1_SIZE = 68;

const HINT =
  "a device hashes the image that it runs, without the bytes after it, so it could not confirm that it has this file: package build/<project>.bin itself";
const V1_HINT =
  "68 bytes are a signature of Secure Boot v1, which is not supported: sign with Secure Boot v2, or package build/<project>-unsigned.bin for devices that check no signature";

/**
 * Checks that a file ends where ESP-IDF takes its image to end: with the image, or with its signature sector
 * (`process_appended_hash_and_sig` in `esp_image_format.c`).
 *
 * @param imageSize - Size of the image in bytes, without a signature.
 * @param fileSize - Size of the file in bytes.
 * @param byteAt - Returns the byte at an offset of the file. Called with the offset at which a signature would begin.
 * @throws {@link OtaError} `image/invalid` if other bytes follow the image.
 */
export function assertImageEnd(
  imageSize: number,
  fileSize: number,
  byteAt: (offset: number) => number | undefined,
): void {
  if (fileSize === imageSize) return;
  const sector = signatureOffset(imageSize);
  if (fileSize === sector + SIGNATURE_SECTOR_SIZE && byteAt(sector) === SIGNATURE_BLOCK_MAGIC) return;
  const message = `${fileSize - imageSize} bytes follow the image, which ends at ${imageSize}; only a signature sector may follow it`;
  const hint = fileSize - imageSize === SIGNATURE_V1_SIZE ? V1_HINT : HINT;
  throw new OtaError("image/invalid", message, { offset: imageSize }, { hint });
}
