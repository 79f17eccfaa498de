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
 * `esp_ota_resume`: goes on with an update that a reset interrupted. Erases nothing, leaves otadata alone, and trusts that
 * the bytes before `offset` are there and those after it are blank: only the hash at the end finds out.
 *
 * @param eraseSize - `OTA_WITH_SEQUENTIAL_WRITES` to erase sectors as writing reaches them; nothing else is looked at.
 * @param offset - How many bytes are written already.
 * @returns 0x102 for NULL, an offset beyond the partition or an app that is no OTA slot; 0x105 for one not in the table;
 *   0x1501, 0x1506, 0x1507 as `esp_ota_begin`.
 * @throws Error if the release doesn't have it.
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
 * `esp_ota_write_with_offset`: writes anywhere into an update that was erased at its start. Checks no magic byte, erases
 * nothing, and counts bytes, not where they end.
 *
 * @returns 0x102 for an unknown handle or, with flash encryption, a size that is no multiple of 16.
 * @throws {@link EspAbort} if sectors are to be erased as writing reaches them.
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
 * `esp_ota_set_final_partition`: whose type decides what `esp_ota_end` checks, and where it copies the result to.
 *
 * @param copies - Whether it does copy.
 * @returns 0x102 for NULL, 0x105 for an unknown handle or partition, 0x103 once anything was written. ESP_OK without effect
 *   for the staging partition itself.
 * @throws Error if the release doesn't have it.
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
  // The staging partition changes nothing: a final partition named before stays.
  if (final.address === ota.partition.address) return EspErr.ESP_OK;
  const verified = esp_partition_verify(app, final);
  if (verified === undefined) return EspErr.ESP_ERR_NOT_FOUND;
  ota.final = { partition: verified, copies };
  return EspErr.ESP_OK;
}
