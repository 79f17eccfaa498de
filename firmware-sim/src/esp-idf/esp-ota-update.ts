import { APP_IMAGE_MAGIC, OtaImageState, PartitionType } from "@tinybms/ota-core";
import { SECTOR_SIZE } from "../flash/sector-store.ts";
import type { AppContext, EspPartition, OtaHandle } from "./app-context.ts";
import { EspErr } from "./esp-err.ts";
import { esp_image_verify } from "./esp-image.ts";
import { esp_ota_get_state_partition, isOtaSlot } from "./esp-ota-query.ts";
import { esp_ota_invalidate_inactive_ota_data_slot } from "./esp-ota-rollback.ts";
import {
  esp_partition_erase_range,
  esp_partition_verify,
  esp_partition_write,
  runningPartition,
} from "./esp-partition.ts";

/** The whole partition is erased at the start (`OTA_SIZE_UNKNOWN`). */
export const OTA_SIZE_UNKNOWN = 0xffff_ffff;

/** Sectors are erased as writing reaches them (`OTA_WITH_SEQUENTIAL_WRITES`). */
export const OTA_WITH_SEQUENTIAL_WRITES = 0xffff_fffe;

/**
 * `esp_ota_begin`: begins to write an app into an OTA slot.
 *
 * With rollback it also erases the inactive otadata entry. A failing erase leaves the handle open, so that the slot
 * answers 0x1507 until it is aborted.
 *
 * @param imageSize - Bytes to erase, rounded up to whole sectors, or one of the two special values; 0 is unknown.
 * @returns 0x102 for NULL or an app partition that is no OTA slot, 0x105 for one not in the table, 0x1501 for the running
 *   one, 0x1506 while the running app is unconfirmed, 0x1507 while it is being written, or what erasing gives.
 */
export function esp_ota_begin(
  app: AppContext,
  partition: EspPartition | undefined,
  imageSize: number,
): { readonly err: number; readonly handle?: number } {
  if (partition === undefined) return { err: EspErr.ESP_ERR_INVALID_ARG };
  const verified = esp_partition_verify(app, partition);
  if (verified === undefined) return { err: EspErr.ESP_ERR_NOT_FOUND };
  const refused = refusal(app, verified);
  if (refused !== EspErr.ESP_OK) return { err: refused };

  const needErase = imageSize === OTA_WITH_SEQUENTIAL_WRITES;
  const handle = ++app.lastOtaHandle;
  app.otaHandles.set(handle, { partition: verified, needErase, wroteSizeBytes: 0 });
  if (!needErase) {
    const whole = imageSize === 0 || imageSize === OTA_SIZE_UNKNOWN;
    const size = whole ? verified.size : Math.ceil(imageSize / SECTOR_SIZE) * SECTOR_SIZE;
    const err = esp_partition_erase_range(app, verified, 0, size);
    if (err !== EspErr.ESP_OK) return { err, handle };
  }
  if (app.options.rollback && isOtaSlot(verified)) esp_ota_invalidate_inactive_ota_data_slot(app);
  return { err: EspErr.ESP_OK, handle };
}

/**
 * `esp_ota_write`: writes the next bytes.
 *
 * @returns ESP_OK for no bytes, whatever the handle; 0x102 for an unknown handle; 0x1503 if an app's first byte isn't
 *   0xE9, with its sectors erased already; 0x104 past the end.
 */
export function esp_ota_write(app: AppContext, handle: number, data: Uint8Array): number {
  if (data.length === 0) return EspErr.ESP_OK;
  const ota = app.otaHandles.get(handle);
  if (ota === undefined) return EspErr.ESP_ERR_INVALID_ARG;
  if (ota.needErase) {
    const err = eraseAhead(app, ota, data.length);
    if (err !== EspErr.ESP_OK) return err;
  }
  const { partition, wroteSizeBytes } = ota;
  if (wroteSizeBytes === 0 && partition.type === PartitionType.APP && data[0] !== APP_IMAGE_MAGIC) {
    return EspErr.ESP_ERR_OTA_VALIDATE_FAILED;
  }
  const err = esp_partition_write(app, partition, wroteSizeBytes, data);
  if (err === EspErr.ESP_OK) ota.wroteSizeBytes += data.length;
  return err;
}

/**
 * `esp_ota_end`: verifies what was written. Does not select it, and frees the handle in every case.
 *
 * @returns 0x105 for an unknown handle, 0x102 if nothing was written, 0x1503 if the app doesn't verify.
 */
export function esp_ota_end(app: AppContext, handle: number): number {
  const ota = app.otaHandles.get(handle);
  if (ota === undefined) return EspErr.ESP_ERR_NOT_FOUND;
  app.otaHandles.delete(handle);
  if (ota.wroteSizeBytes === 0) return EspErr.ESP_ERR_INVALID_ARG;
  if (ota.partition.type !== PartitionType.APP) return EspErr.ESP_OK;
  const verified = esp_image_verify(app, ota.partition) === EspErr.ESP_OK;
  return verified ? EspErr.ESP_OK : EspErr.ESP_ERR_OTA_VALIDATE_FAILED;
}

/** `esp_ota_abort`: frees the handle; flash stays as it is. @returns 0x105 for an unknown handle. */
export function esp_ota_abort(app: AppContext, handle: number): number {
  return app.otaHandles.delete(handle) ? EspErr.ESP_OK : EspErr.ESP_ERR_NOT_FOUND;
}

function refusal(app: AppContext, partition: EspPartition): number {
  if (partition.type === PartitionType.APP) {
    if (!isOtaSlot(partition)) return EspErr.ESP_ERR_INVALID_ARG;
    const running = runningPartition(app);
    if (partition.address === running.address) return EspErr.ESP_ERR_OTA_PARTITION_CONFLICT;
    if (app.options.rollback && esp_ota_get_state_partition(app, running).state === OtaImageState.PENDING_VERIFY) {
      return EspErr.ESP_ERR_OTA_ROLLBACK_INVALID_STATE;
    }
  }
  const isBusy = [...app.otaHandles.values()].some((open) => open.partition.address === partition.address);
  return isBusy ? EspErr.ESP_ERR_OTA_ALREADY_IN_PROGRESS : EspErr.ESP_OK;
}

/** Erases the sectors that the next bytes reach first. */
function eraseAhead(app: AppContext, { partition, wroteSizeBytes }: OtaHandle, length: number): number {
  const first = Math.ceil(wroteSizeBytes / SECTOR_SIZE);
  const last = Math.floor((wroteSizeBytes + length - 1) / SECTOR_SIZE);
  if (last < first) return EspErr.ESP_OK;
  return esp_partition_erase_range(app, partition, first * SECTOR_SIZE, (last - first + 1) * SECTOR_SIZE);
}
