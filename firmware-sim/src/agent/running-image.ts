import { createSha256, equalBytes, type RunningImage, type Sha256, toHex } from "@tinybms/ota-core";
import type { VerifiedImage } from "../boot/image-verification.ts";
import type { AppContext } from "../esp-idf/app-context.ts";
import { esp_app_get_description, esp_ota_get_running_partition } from "../esp-idf/esp-ota-query.ts";

/** Where a signature sector begins after an image, in bytes: on the next multiple of this. */
const SIGNATURE_ALIGNMENT = 4096;
const SIGNATURE_SECTOR_SIZE = 4096;
/** First bytes of a signature block of Secure Boot V2 (`ets_secure_boot_sig_block_t`): magic, version. */
const SIGNATURE_MAGIC = 0xe7;
const SIGNATURE_VERSION = 0x02;
/** Where the block keeps the SHA-256 of the padded image, in bytes. */
const SIGNATURE_DIGEST_OFFSET = 4;

/**
 * Describes the running image from its own flash.
 *
 * @param image - What the bootloader found when it loaded it.
 * @throws EspAbort where no partition holds the running app.
 */
export function readRunningImage(app: AppContext, image: VerifiedImage): Omit<RunningImage, "pendingVerify"> {
  const descriptor = esp_app_get_description(app);
  return {
    version: descriptor?.version ?? "",
    projectName: descriptor?.projectName ?? "",
    slot: esp_ota_get_running_partition(app).label,
    sha256: toHex(hashImage(app, image.imageSizeBytes)),
  };
}

/**
 * SHA-256 of the image and, where one follows, its signature sector. A sector counts only if it signs this very image:
 * a larger signed image that stood here before may have left its own.
 */
function hashImage(app: AppContext, imageSizeBytes: number): Uint8Array {
  const hash = createSha256();
  const { offset } = app.running;
  feed(app, hash, offset, imageSizeBytes);
  const paddingSize = (SIGNATURE_ALIGNMENT - (imageSizeBytes % SIGNATURE_ALIGNMENT)) % SIGNATURE_ALIGNMENT;
  const signatureOffset = offset + imageSizeBytes + paddingSize;
  const block = app.flash.read(signatureOffset, SIGNATURE_DIGEST_OFFSET + 32);
  if (block[0] !== SIGNATURE_MAGIC || block[1] !== SIGNATURE_VERSION) return hash.digest();
  const padded = feed(app, hash.copy(), offset + imageSizeBytes, paddingSize);
  if (!equalBytes(padded.copy().digest(), block.subarray(SIGNATURE_DIGEST_OFFSET))) return hash.digest();
  return feed(app, padded, signatureOffset, SIGNATURE_SECTOR_SIZE).digest();
}

function feed(app: AppContext, hash: Sha256, offset: number, length: number): Sha256 {
  app.flash.forEachSector(offset, length, (bytes) => {
    hash.update(bytes);
  });
  return hash;
}
