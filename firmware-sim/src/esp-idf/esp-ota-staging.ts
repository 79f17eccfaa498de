import { PartitionType } from "@tinybms/ota-core/esp";
import { EspAbort } from "../esp-err/esp-abort.ts";
import { EspErr } from "../esp-err/esp-err.ts";
import { ENCRYPTION_BLOCK_SIZE } from "../flash/encrypted-flash.ts";
import type { AppContext, EspPartition } from "./app-context.ts";
import { isOtaSlot } from "./esp-ota-query.ts";
import { checkUpdatable, OTA_WITH_SEQUENTIAL_WRITES, openOtaHandle } from "./esp-ota-update.ts";
import { esp_partition_verify, esp_partition_write } from "./esp-partition.ts";
import { assertHasCall } from "./missing-call.ts";

/**
 * Continues an update that a reset interrupted (`esp_ota_resume`). Erases nothing and does not change otadata. Assumes that
 * the bytes before `offset` are written and those after it are blank; only the hash check at the end detects otherwise.
 *
 * @param eraseSize - `OTA_WITH_SEQUENTIAL_WRITES` to erase each sector when writing reaches it; other values are ignored.
 * @param offset - Number of bytes already written.
 * @returns `err`: 0x102 for NULL, an offset beyond the partition, or an app partition that is not an OTA slot; 0x105 if the
 *   partition is not in the table; 0x1501, 0x1506 and 0x1507 as for `esp_ota_begin`.
 * @throws Error if the release does not have this function.
 */
export function esp_ota_resume(
  app: AppContext,
  partition: EspPartition | undefined,
  eraseSize: number,
  offset: number,
): { readonly err: number; readonly handle?: number } {
  assertHasCall(app, "hasOtaResume");
  if (partition === undefined || offset > partition.size) return { err: EspErr.ESP_ERR_INVALID_ARG };
  const verified = esp_partition_verify(app, partition);
  if (verified === undefined) return { err: EspErr.ESP_ERR_NOT_FOUND };
  if (verified.type === PartitionType.APP && !isOtaSlot(verified)) return { err: EspErr.ESP_ERR_INVALID_ARG };
  const { resumeRefusesWhilePending: refusesWhilePending } = app.options.idf.behaviors;
  const err = checkUpdatable(app, verified, { refusesWhilePending });
  if (err !== EspErr.ESP_OK) return { err };
  const needErase = eraseSize === OTA_WITH_SEQUENTIAL_WRITES;
  return { err, handle: openOtaHandle(app, verified, { needErase, resumed: true, wroteSizeBytes: offset }) };
}

/**
 * Writes at any offset of an update whose partition was erased at its start (`esp_ota_write_with_offset`). Erases nothing,
 * checks no magic byte, and adds up the number of bytes written, whatever their offsets.
 *
 * @param offset - Offset in the partition, in bytes.
 * @returns 0x102 for an unknown handle or, with flash encryption, for a size that is not a multiple of 16.
 * @throws {@link EspAbort} if the update erases each sector when writing reaches it.
 */
export function esp_ota_write_with_offset(app: AppContext, handle: number, data: Uint8Array, offset: number): number {
  const ota = app.otaHandles.get(handle);
  if (ota === undefined) return EspErr.ESP_ERR_INVALID_ARG;
  if (ota.needErase) throw new EspAbort("esp_ota_write_with_offset", "assert failed: must erase the partition before");
  if (ota.partition.encrypted && data.length % ENCRYPTION_BLOCK_SIZE !== 0) return EspErr.ESP_ERR_INVALID_ARG;
  const err = esp_partition_write(app, ota.partition, offset, data);
  if (err === EspErr.ESP_OK) ota.wroteSizeBytes += data.length;
  return err;
}

/**
 * Sets the final partition of an update (`esp_ota_set_final_partition`). Its type decides what `esp_ota_end` checks.
 *
 * @param copies - Whether `esp_ota_end` copies the update to the final partition.
 * @returns 0x102 for NULL; 0x105 for an unknown handle or partition; 0x103 after bytes were written; ESP_OK, without
 *   effect, for the staging partition itself.
 * @throws Error if the release does not have this function.
 */
export function esp_ota_set_final_partition(
  app: AppContext,
  handle: number,
  final: EspPartition | undefined,
  copies: boolean,
): number {
  assertHasCall(app, "hasSetFinalPartition");
  if (final === undefined) return EspErr.ESP_ERR_INVALID_ARG;
  const ota = app.otaHandles.get(handle);
  if (ota === undefined) return EspErr.ESP_ERR_NOT_FOUND;
  if (!ota.resumed && ota.wroteSizeBytes !== 0) return EspErr.ESP_ERR_INVALID_STATE;
  // The staging partition has no effect: a final partition set earlier stays.
  if (final.address === ota.partition.address) return EspErr.ESP_OK;
  const verified = esp_partition_verify(app, final);
  if (verified === undefined) return EspErr.ESP_ERR_NOT_FOUND;
  ota.final = { partition: verified, copies };
  return EspErr.ESP_OK;
}
