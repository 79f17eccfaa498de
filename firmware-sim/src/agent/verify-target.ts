import { createSha256, type FlashResult, toHex } from "@tinybms/ota-core";
import { APP_IMAGE_HEADER_SIZE, APP_IMAGE_MAGIC, parseAppImageHeader } from "@tinybms/ota-core/esp";
import { EspErr } from "../esp-err/esp-err.ts";
import type { AppContext, EspPartition } from "../esp-idf/app-context.ts";
import { readImage, readImageKey } from "../esp-idf/esp-image.ts";
import { flashOf } from "../esp-idf/esp-partition.ts";
import type { FlashReader } from "../flash/flash-reader.ts";
import { type HashedPart, hashImage } from "./running-image.ts";

/** Content of a slot. */
export type SlotContent = Extract<FlashResult, { operation: "verify-image" }>;

/**
 * Hashes the image stored in a slot, and verifies it with `esp_image_verify`. A device can do both in one read.
 *
 * @param length - Size of the image stated by the release, in bytes.
 * @returns The content; the error of the flash if the slot can't be read.
 * @throws {@link PowerCut} if the flash loses power; {@link EspAbort} if the device would abort.
 */
export function verifyTarget(app: AppContext, target: EspPartition, length: number): SlotContent | number {
  if (length > target.size) return EspErr.ESP_ERR_INVALID_SIZE;
  const flash = flashOf(app, target);
  const key = readImageKey(app, target);
  const read = (reader: FlashReader) => readSlot(app, target, reader, length);
  if (flash.remember === undefined || key === undefined) return read(flash);
  return flash.remember(`verifyTarget ${length} ${key}`, read);
}

function readSlot(app: AppContext, target: EspPartition, flash: FlashReader, length: number): SlotContent | number {
  const hash = createSha256();
  const isRead = flash.forEachSector(target.address, length, (bytes) => {
    hash.update(bytes);
  });
  if (!isRead) return EspErr.ESP_ERR_FLASH_OP_FAIL;
  const image = imageIn(app, target, flash, { length, hash: hash.copy() });
  return { operation: "verify-image", storedSha256: toHex(hash.digest()), image };
}

function imageIn(app: AppContext, target: EspPartition, flash: FlashReader, hashed: HashedPart): SlotContent["image"] {
  const verification = readImage(app, target, flash);
  if (verification.kind === "invalid") return { espErr: verification.err };
  const { imageSizeBytes, descriptor } = verification.image;
  const header = flash.read(target.address, APP_IMAGE_HEADER_SIZE);
  // Cells of an interrupted operation may read differently now.
  if (header[0] !== APP_IMAGE_MAGIC) return { espErr: EspErr.ESP_ERR_IMAGE_INVALID };
  const { chipId } = parseAppImageHeader(header);
  const { secureVersion = 0, projectName = "" } = descriptor ?? {};
  return { sha256: toHex(hashImage(flash, target, imageSizeBytes, hashed)), chipId, secureVersion, projectName };
}
