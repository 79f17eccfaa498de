import { OtaError } from "../errors.ts";
import { SIGNATURE_BLOCK_MAGIC, SIGNATURE_SECTOR_SIZE, signatureOffset } from "./signature-block.ts";

/** Size in bytes of a signature of Secure Boot v1: a version and 64 bytes (`esp_secure_boot_sig_block_t`). */
const SIGNATURE_V1_SIZE = 68;

const HINT =
  "a device measures the image that it runs, without what follows, and could never tell that it has this file: package build/<project>.bin itself";
const V1_HINT =
  "68 bytes are a signature of Secure Boot v1, which is not supported: sign with Secure Boot v2, or package build/<project>-unsigned.bin for devices that check none";

/**
 * Refuses a file that doesn't end where ESP-IDF measures its image to end: with the image, or with the sector of its
 * signature (`esp_image_format.c`, `process_appended_hash_and_sig`).
 *
 * @param imageSize - Size of the image in bytes, without a signature.
 * @param fileSize - Size of the file in bytes.
 * @param byteAt - Reads one byte of the file; asked for where a signature would begin.
 * @throws OtaError `image/invalid`.
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
