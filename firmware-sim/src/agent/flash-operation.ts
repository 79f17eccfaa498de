import { createSha256, type FlashOperation, type FlashResult, type ReceiverAction, toHex } from "@tinybms/ota-core";
import { APP_IMAGE_HEADER_SIZE, APP_IMAGE_MAGIC, parseAppImageHeader } from "@tinybms/ota-core/esp";
import { EspErr } from "../esp-err/esp-err.ts";
import type { AppContext, EspPartition } from "../esp-idf/app-context.ts";
import { esp_image_get_metadata, esp_image_verify } from "../esp-idf/esp-image.ts";
import { esp_ota_set_boot_partition } from "../esp-idf/esp-ota-boot.ts";
import { esp_ota_get_partition_description } from "../esp-idf/esp-ota-query.ts";
import { esp_ota_mark_app_valid_cancel_rollback } from "../esp-idf/esp-ota-rollback.ts";
import { esp_partition_erase_range, esp_partition_read, esp_partition_write } from "../esp-idf/esp-partition.ts";
import { ENCRYPTION_BLOCK_SIZE } from "../flash/encrypted-flash.ts";
import { SECTOR_SIZE } from "../flash/sector-store.ts";
import { invalidateInactiveEntry, isRunningSelected } from "./boot-selection-repair.ts";
import { hashOfImage } from "./running-image.ts";

/** A flash operation that the receiver asks for, and that the device goes on after. */
export type FlashAction = Extract<ReceiverAction, { readonly type: Exclude<FlashOperation, "roll-back"> }>;

/** What came of one. */
export type FlashAnswer =
  | { readonly ok: true; readonly result: FlashResult }
  | { readonly ok: false; readonly espErr: number };

/** Bytes read at a time while a slot is hashed. */
const HASH_PIECE_SIZE = 32 * 1024;

/**
 * Carries out one flash operation with the calls that firmware would use.
 *
 * @param target - The slot of the update; `undefined` where there is none, and then only `mark-valid` can go well.
 * @throws PowerCut where the flash loses power, EspAbort where the device would.
 */
export function carryOutFlashAction(
  app: AppContext,
  target: EspPartition | undefined,
  action: FlashAction,
): FlashAnswer {
  if (action.type === "mark-valid") return answer(markRunningValid(app), { operation: "mark-valid" });
  if (target === undefined) return { ok: false, espErr: EspErr.ESP_ERR_NOT_FOUND };
  switch (action.type) {
    case "read-flash": {
      const { err, data } = esp_partition_read(app, target, action.offset, action.length);
      return answer(err, { operation: "read-flash", bytes: data });
    }
    case "hash-flash":
      return hashTarget(app, target, action.length);
    case "erase-sector":
      return answer(esp_partition_erase_range(app, target, action.offset, SECTOR_SIZE), { operation: "erase-sector" });
    case "program":
      return answer(programTarget(app, target, action), { operation: "program" });
    case "verify-image":
      return verifyTarget(app, target);
    case "invalidate-otadata":
      return answer(invalidateInactiveEntry(app), { operation: "invalidate-otadata" });
    case "set-boot-partition":
      return answer(esp_ota_set_boot_partition(app, target), { operation: "set-boot-partition" });
  }
}

/** Confirms the running image, and never another: after a fall-back the selected entry is not its own. */
function markRunningValid(app: AppContext): number {
  if (!isRunningSelected(app)) return EspErr.ESP_ERR_INVALID_STATE;
  return esp_ota_mark_app_valid_cancel_rollback(app);
}

function hashTarget(app: AppContext, target: EspPartition, length: number): FlashAnswer {
  const hash = createSha256();
  for (let offset = 0; offset < length; offset += HASH_PIECE_SIZE) {
    const { err, data } = esp_partition_read(app, target, offset, Math.min(HASH_PIECE_SIZE, length - offset));
    if (err !== EspErr.ESP_OK) return { ok: false, espErr: err };
    hash.update(data);
  }
  return { ok: true, result: { operation: "hash-flash", sha256: toHex(hash.digest()) } };
}

/** On encrypted flash, the end of an image is padded to a whole block with what erased flash holds. */
function programTarget(
  app: AppContext,
  target: EspPartition,
  { offset, bytes }: Extract<FlashAction, { readonly type: "program" }>,
): number {
  const excess = target.encrypted ? bytes.length % ENCRYPTION_BLOCK_SIZE : 0;
  if (excess === 0) return esp_partition_write(app, target, offset, bytes);
  const padded = new Uint8Array(bytes.length + ENCRYPTION_BLOCK_SIZE - excess).fill(0xff);
  padded.set(bytes);
  return esp_partition_write(app, target, offset, padded);
}

function verifyTarget(app: AppContext, target: EspPartition): FlashAnswer {
  const err = esp_image_verify(app, target);
  if (err !== EspErr.ESP_OK) return { ok: false, espErr: err };
  const header = esp_partition_read(app, target, 0, APP_IMAGE_HEADER_SIZE).data;
  const { description } = esp_ota_get_partition_description(app, target);
  // Cells that were cut off in the middle of an operation may read otherwise the second time.
  if (header[0] !== APP_IMAGE_MAGIC) return { ok: false, espErr: EspErr.ESP_ERR_IMAGE_INVALID };
  const { chipId } = parseAppImageHeader(header);
  const { image } = esp_image_get_metadata(app, target);
  if (image === undefined) return { ok: false, espErr: EspErr.ESP_ERR_IMAGE_INVALID };
  const sha256 = toHex(hashOfImage(app, target, image.imageSizeBytes));
  const { secureVersion = 0, projectName = "" } = description ?? {};
  return { ok: true, result: { operation: "verify-image", sha256, chipId, secureVersion, projectName } };
}

function answer(err: number, result: FlashResult): FlashAnswer {
  return err === EspErr.ESP_OK ? { ok: true, result } : { ok: false, espErr: err };
}
