import { createSha256, equalBytes, type RunningImage, type Sha256, toHex } from "@tinybms/ota-core";
import {
  parseSignatureBlock,
  SIGNATURE_BLOCK_MAGIC,
  SIGNATURE_BLOCK_SIZE,
  SIGNATURE_SECTOR_SIZE,
  type SignatureBlock,
  signatureOffset,
  signedDigest,
} from "@tinybms/ota-core/esp";
import { earliestBuildTime } from "@tinybms/ota-core/signing";
import type { VerifiedImage } from "../boot/image-verification.ts";
import type { AppContext, EspPartition } from "../esp-idf/app-context.ts";
import { esp_app_get_description, esp_ota_get_running_partition } from "../esp-idf/esp-ota-query.ts";
import { flashOf } from "../esp-idf/esp-partition.ts";
import type { FlashReader } from "../flash/flash-reader.ts";

/**
 * Describes the running image from its own flash.
 *
 * @param image - The bootloader's description of the loaded image.
 * @throws {@link EspAbort} if no partition contains the running app.
 */
export function readRunningImage(app: AppContext, image: VerifiedImage): Omit<RunningImage, "pendingVerify"> {
  const descriptor = esp_app_get_description(app);
  const partition = esp_ota_get_running_partition(app);
  const builtAt = descriptor === undefined ? undefined : earliestBuildTime(descriptor);
  return {
    ...(builtAt === undefined ? {} : { builtAt }),
    version: descriptor?.version ?? "",
    projectName: descriptor?.projectName ?? "",
    slot: partition.label,
    sha256: toHex(hashOfImage(app, partition, image.imageSizeBytes)),
  };
}

function hashOfImage(app: AppContext, partition: EspPartition, imageSizeBytes: number): Uint8Array {
  const flash = flashOf(app, partition);
  const hash = (reader: FlashReader) => hashImage(reader, partition, imageSizeBytes);
  return flash.remember?.(`hashImage ${partition.address} ${partition.size} ${imageSizeBytes}`, hash) ?? hash(flash);
}

/** The first bytes of a partition, hashed already. */
export interface HashedPart {
  /** Their number. */
  readonly length: number;
  readonly hash: Sha256;
}

/**
 * Returns the SHA-256 of the image in a partition as a running device computes it: including its signature sector, if
 * any. A sector counts only if it signs this image, because a larger signed image may have left its own there.
 *
 * @param imageSizeBytes - Size in bytes up to the end of its checksum or hash.
 * @param hashed - Spares reading the image again if this is exactly the image.
 */
export function hashImage(
  flash: FlashReader,
  partition: EspPartition,
  imageSizeBytes: number,
  hashed?: HashedPart,
): Uint8Array {
  const offset = signatureOffset(imageSizeBytes);
  const whole = { offset: 0, length: imageSizeBytes };
  const hash = hashed?.length === imageSizeBytes ? hashed.hash : feed(flash, partition, createSha256(), whole);
  const block = signatureAt(flash, partition, offset);
  if (block === undefined) return hash.digest();
  const padded = feed(flash, partition, hash.copy(), { offset: imageSizeBytes, length: offset - imageSizeBytes });
  const signed =
    block.scheme === "ecdsa-p384"
      ? signedDigest(block.scheme, flash.read(partition.address, offset))
      : padded.copy().digest();
  if (!equalBytes(signed, block.imageDigest)) return hash.digest();
  return feed(flash, partition, padded, { offset, length: SIGNATURE_SECTOR_SIZE }).digest();
}

function signatureAt(flash: FlashReader, partition: EspPartition, offset: number): SignatureBlock | undefined {
  if (offset + SIGNATURE_SECTOR_SIZE > partition.size) return undefined;
  const bytes = flash.read(partition.address + offset, SIGNATURE_BLOCK_SIZE);
  if (bytes[0] !== SIGNATURE_BLOCK_MAGIC) return undefined;
  try {
    return parseSignatureBlock(bytes);
  } catch {
    return undefined;
  }
}

function feed(
  flash: FlashReader,
  partition: EspPartition,
  hash: Sha256,
  { offset, length }: { readonly offset: number; readonly length: number },
): Sha256 {
  flash.forEachSector(partition.address + offset, length, (bytes) => {
    hash.update(bytes);
  });
  return hash;
}
