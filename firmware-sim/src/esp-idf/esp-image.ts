import { type AppDescriptor, type AppImageHeader, PartitionType, SIGNATURE_SECTOR_SIZE } from "@tinybms/ota-core/esp";
import { checkChipValidity } from "../boot/check-chip-validity.ts";
import { flashViewOf } from "../boot/flash-view.ts";
import type { ImageVerification, PartitionRange, VerifiedImage, VerifyOptions } from "../boot/image-verification.ts";
import { keyDigestsOf, type SignaturePolicy, signaturePolicy } from "../boot/secure-boot-v2.ts";
import { verificationKey, verifyImage } from "../boot/verify-image.ts";
import { EspErr } from "../esp-err/esp-err.ts";
import type { FlashReader } from "../flash/flash-reader.ts";
import type { AppContext, EspPartition } from "./app-context.ts";
import { flashOf } from "./esp-partition.ts";

/**
 * Verifies the image in an app partition (`esp_image_verify`).
 *
 * @returns ESP_OK, 0x102, 0x2002, -1 or a flash error; see `verifyImage`.
 * @throws {@link EspAbort} with anti-rollback, if the image has no app descriptor.
 */
export function esp_image_verify(app: AppContext, partition: EspPartition): number {
  const result = verify(app, partition, true);
  return result.kind === "valid" ? EspErr.ESP_OK : result.err;
}

/**
 * Reads the length and segments of an image from its headers (`esp_image_get_metadata`). Does not check chip, revision,
 * checksum, hash or signature.
 *
 * @returns `err` as for {@link esp_image_verify}; `image` if it is ESP_OK.
 */
export function esp_image_get_metadata(
  app: AppContext,
  partition: EspPartition,
): { readonly err: number; readonly image?: VerifiedImage } {
  const result = verify(app, partition, false);
  return result.kind === "valid" ? { err: EspErr.ESP_OK, image: result.image } : { err: result.err };
}

/**
 * Checks from the start of an image whether the image may run on this device (`esp_ota_check_image_validity`).
 *
 * @param type - `PartitionType` of the target; only apps have a descriptor.
 * @returns ESP_OK; 0x10A for another chip or revision; 0x1508 if the image and the running app state different SPI modes.
 */
export function esp_ota_check_image_validity(
  app: AppContext,
  type: number,
  header: AppImageHeader,
  descriptor: AppDescriptor | undefined,
): number {
  if (checkChipValidity(header, app.chip, app.efuse) !== undefined) return EspErr.ESP_ERR_INVALID_VERSION;
  if (type !== PartitionType.APP || descriptor === undefined) return EspErr.ESP_OK;
  const [mode, running] = [descriptor.spiFlashMode, app.running.descriptor?.spiFlashMode ?? 0];
  return mode === running || mode === 0 || running === 0 ? EspErr.ESP_OK : EspErr.ESP_ERR_OTA_SPI_MODE_MISMATCH;
}

/**
 * Does what {@link esp_image_verify} does, and returns what it found.
 *
 * @param flash - Flash as software sees the partition.
 * @throws {@link EspAbort} with anti-rollback, if the image has no app descriptor.
 */
export function readImage(app: AppContext, partition: EspPartition, flash: FlashReader): ImageVerification {
  return verify(app, partition, true, flash);
}

/**
 * Returns a text that names everything besides flash that the result of {@link readImage} depends on.
 *
 * @returns `undefined` if the app requires signatures.
 */
export function readImageKey(app: AppContext, partition: EspPartition): string | undefined {
  return verificationKey(rangeOf(partition), app.chip, app.efuse, optionsOf(app, true));
}

function verify(
  app: AppContext,
  partition: EspPartition,
  validate: boolean,
  flash: FlashReader = flashOf(app, partition),
): ImageVerification {
  return verifyImage(flash, rangeOf(partition), app.chip, app.efuse, optionsOf(app, validate));
}

function rangeOf({ address, size }: EspPartition): PartitionRange {
  return { offset: address, sizeBytes: size };
}

function optionsOf(app: AppContext, validate: boolean): VerifyOptions {
  const { antiRollback, idf } = app.options;
  return { environment: "app", behaviors: idf.behaviors, validate, antiRollback, signature: policyOfApp(app) };
}

/**
 * Returns the app's signature policy. With secure boot it trusts the keys in the eFuses; without, the keys that signed the
 * running app, and it reads only one signature block of the new image.
 */
function policyOfApp(app: AppContext): SignaturePolicy | undefined {
  const { signedApps } = app.options;
  if (signedApps === undefined) return undefined;
  if (app.efuse.isSecureBootOn) return signaturePolicy(app.efuse, signedApps, app.efuse.trustedKeyDigests);
  const policy = signaturePolicy(app.efuse, signedApps, []);
  const { offset, imageSizeBytes } = app.running;
  const sectorOffset = offset + Math.ceil(imageSizeBytes / SIGNATURE_SECTOR_SIZE) * SIGNATURE_SECTOR_SIZE;
  const sector = flashViewOf(app).read(sectorOffset, SIGNATURE_SECTOR_SIZE);
  return { ...policy, trusted: keyDigestsOf(sector, policy), blocksMax: 1 };
}
