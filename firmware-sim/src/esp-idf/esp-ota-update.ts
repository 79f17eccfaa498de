import { isOtaError, viewOf } from "@tinybms/ota-core";
import {
  APP_IMAGE_MAGIC,
  OtaImageState,
  PARTITION_TABLE_SIZE,
  PartitionType,
  parsePartitionTable,
} from "@tinybms/ota-core/esp";
import { EspErr } from "../esp-err/esp-err.ts";
import { ENCRYPTION_BLOCK_SIZE } from "../flash/encrypted-flash.ts";
import { SECTOR_SIZE } from "../flash/sector-store.ts";
import type { AppContext, EspPartition, OtaHandle } from "./app-context.ts";
import { esp_image_verify } from "./esp-image.ts";
import { esp_ota_get_state_partition, isOtaSlot } from "./esp-ota-query.ts";
import { esp_ota_invalidate_inactive_ota_data_slot } from "./esp-ota-rollback.ts";
import {
  esp_partition_copy,
  esp_partition_erase_range,
  esp_partition_read,
  esp_partition_verify,
  esp_partition_write,
  runningPartition,
} from "./esp-partition.ts";

/** First two bytes of a partition table, little-endian. */
const PARTITION_MAGIC = 0x50aa;

/** Image size that makes `esp_ota_begin` erase the whole partition (`OTA_SIZE_UNKNOWN`). */
export const OTA_SIZE_UNKNOWN = 0xffff_ffff;

/** Image size that makes `esp_ota_write` erase each sector when it reaches it (`OTA_WITH_SEQUENTIAL_WRITES`). */
export const OTA_WITH_SEQUENTIAL_WRITES = 0xffff_fffe;

/**
 * Begins an update of an OTA slot (`esp_ota_begin`).
 *
 * With rollback, it also erases the inactive otadata entry (from 5.5 on). If an erase fails, the handle stays open, and
 * later calls for the slot return 0x1507 until the handle is aborted (from 6.1 on). `APP_BEHAVIORS` lists the differences
 * between releases.
 *
 * @param imageSize - Number of bytes to erase, rounded up to whole sectors, or one of the two special values; 0 means
 *   unknown.
 * @returns `err`: 0x102 for NULL or an app partition that is not an OTA slot; 0x105 if the partition is not in the table;
 *   0x1501 for the running partition; 0x1506 while the running app is unconfirmed; 0x1507 while the slot is being written;
 *   otherwise the result of erasing.
 */
export function esp_ota_begin(
  app: AppContext,
  partition: EspPartition | undefined,
  imageSize: number,
): { readonly err: number; readonly handle?: number } {
  if (partition === undefined) return { err: EspErr.ESP_ERR_INVALID_ARG };
  const verified = esp_partition_verify(app, partition);
  if (verified === undefined) return { err: EspErr.ESP_ERR_NOT_FOUND };
  const refused = checkUpdatable(app, verified, { refusesWhilePending: true });
  if (refused !== EspErr.ESP_OK) return { err: refused };

  const { beginOpensHandleBeforeErase, beginInvalidatesInactiveEntry } = app.options.idf.behaviors;
  const needErase = imageSize === OTA_WITH_SEQUENTIAL_WRITES;
  const open = () => openOtaHandle(app, verified, { needErase, resumed: false, wroteSizeBytes: 0 });
  const early = beginOpensHandleBeforeErase ? { handle: open() } : {};
  if (!needErase) {
    const err = esp_partition_erase_range(app, verified, 0, sizeToErase(verified, imageSize));
    if (err !== EspErr.ESP_OK) return { err, ...early };
  }
  if (app.options.rollback && beginInvalidatesInactiveEntry && isOtaSlot(verified)) {
    esp_ota_invalidate_inactive_ota_data_slot(app);
  }
  return { err: EspErr.ESP_OK, handle: early.handle ?? open() };
}

/**
 * Writes the next bytes of an update (`esp_ota_write`).
 *
 * @returns ESP_OK for zero bytes, even with an unknown handle; 0x102 for an unknown handle; 0x1503, with sectors already
 *   erased, if the first byte of an app isn't 0xE9; 0x104 beyond the end.
 */
export function esp_ota_write(app: AppContext, handle: number, data: Uint8Array): number {
  if (data.length === 0) return EspErr.ESP_OK;
  const ota = app.otaHandles.get(handle);
  if (ota === undefined) return EspErr.ESP_ERR_INVALID_ARG;
  if (ota.needErase) {
    const err = eraseAhead(app, ota, data.length);
    if (err !== EspErr.ESP_OK) return err;
  }
  if (ota.wroteSizeBytes === 0 && ota.partialSize === 0 && !beginsRight(ota.final.partition.type, data)) {
    return EspErr.ESP_ERR_OTA_VALIDATE_FAILED;
  }
  return ota.partition.encrypted ? writeBlocks(app, ota, data) : writeOn(app, ota, data);
}

/**
 * Verifies an update, and copies it to the final partition if requested (`esp_ota_end`). Does not select it. Closes the
 * handle in every case.
 *
 * @returns 0x105 for an unknown handle; 0x102 if nothing was written; 0x103 if writing the last bytes fails; 0x1503 if the
 *   app or partition table is invalid; otherwise the result of copying.
 */
export function esp_ota_end(app: AppContext, handle: number): number {
  const ota = app.otaHandles.get(handle);
  if (ota === undefined) return EspErr.ESP_ERR_NOT_FOUND;
  app.otaHandles.delete(handle);
  if (ota.wroteSizeBytes === 0) return EspErr.ESP_ERR_INVALID_ARG;
  if (ota.partialSize > 0) {
    const flushed = esp_partition_write(app, ota.partition, ota.wroteSizeBytes, ota.partial);
    if (flushed !== EspErr.ESP_OK) return EspErr.ESP_ERR_INVALID_STATE;
  }
  if (!isWhole(app, ota)) return EspErr.ESP_ERR_OTA_VALIDATE_FAILED;
  const { partition, copies } = ota.final;
  return copies ? esp_partition_copy(app, partition, ota.partition, partition.size) : EspErr.ESP_OK;
}

/** Closes a handle without changing flash (`esp_ota_abort`). @returns 0x105 for an unknown handle. */
export function esp_ota_abort(app: AppContext, handle: number): number {
  return app.otaHandles.delete(handle) ? EspErr.ESP_OK : EspErr.ESP_ERR_NOT_FOUND;
}

/**
 * Checks whether `esp_ota_begin` or `esp_ota_resume` may open a handle for a partition.
 *
 * @returns ESP_OK, 0x102, 0x1501, 0x1506 or 0x1507.
 */
export function checkUpdatable(
  app: AppContext,
  partition: EspPartition,
  { refusesWhilePending }: { readonly refusesWhilePending: boolean },
): number {
  const { refusesSlotInProgress, beginTakesDataPartitions } = app.options.idf.behaviors;
  if (partition.type !== PartitionType.APP && !beginTakesDataPartitions) return EspErr.ESP_ERR_INVALID_ARG;
  if (partition.type === PartitionType.APP) {
    if (!isOtaSlot(partition)) return EspErr.ESP_ERR_INVALID_ARG;
    const running = runningPartition(app);
    if (partition.address === running.address) return EspErr.ESP_ERR_OTA_PARTITION_CONFLICT;
    const isAsked = app.options.rollback && refusesWhilePending;
    if (isAsked && esp_ota_get_state_partition(app, running).state === OtaImageState.PENDING_VERIFY) {
      return EspErr.ESP_ERR_OTA_ROLLBACK_INVALID_STATE;
    }
  }
  if (!refusesSlotInProgress) return EspErr.ESP_OK;
  const isBusy = [...app.otaHandles.values()].some((open) =>
    [open.partition, open.final.partition].some(({ address }) => address === partition.address),
  );
  return isBusy ? EspErr.ESP_ERR_OTA_ALREADY_IN_PROGRESS : EspErr.ESP_OK;
}

/** Returns the number of bytes to erase. The device rounds up in 32 bits, so sizes in the last sector below 2^32 become 0. */
function sizeToErase({ size }: EspPartition, imageSize: number): number {
  if (imageSize === 0 || imageSize === OTA_SIZE_UNKNOWN) return size;
  return (Math.ceil(imageSize / SECTOR_SIZE) * SECTOR_SIZE) % 2 ** 32;
}

/** Registers an update. @returns Its handle; the first one after a reset is 1. */
export function openOtaHandle(
  app: AppContext,
  partition: EspPartition,
  begun: Pick<OtaHandle, "needErase" | "resumed" | "wroteSizeBytes">,
): number {
  const handle = ++app.lastOtaHandle;
  const partial = new Uint8Array(ENCRYPTION_BLOCK_SIZE);
  app.otaHandles.set(handle, { ...begun, partition, final: { partition, copies: false }, partial, partialSize: 0 });
  return handle;
}

/** Erases the sectors that the next bytes are the first to reach. */
function eraseAhead(app: AppContext, { partition, wroteSizeBytes }: OtaHandle, length: number): number {
  const first = Math.ceil(wroteSizeBytes / SECTOR_SIZE);
  const last = Math.floor((wroteSizeBytes + length - 1) / SECTOR_SIZE);
  if (last < first) return EspErr.ESP_OK;
  return esp_partition_erase_range(app, partition, first * SECTOR_SIZE, (last - first + 1) * SECTOR_SIZE);
}

/** Returns whether the first bytes fit the type of the final partition. Types without a known magic number accept any. */
function beginsRight(type: number, data: Uint8Array): boolean {
  if (type === PartitionType.APP || type === PartitionType.BOOTLOADER) return data[0] === APP_IMAGE_MAGIC;
  if (type !== PartitionType.PARTITION_TABLE || data.length < 2) return true;
  return viewOf(data).getUint16(0, true) === PARTITION_MAGIC;
}

function writeOn(app: AppContext, ota: OtaHandle, data: Uint8Array): number {
  const err = esp_partition_write(app, ota.partition, ota.wroteSizeBytes, data);
  if (err === EspErr.ESP_OK) ota.wroteSizeBytes += data.length;
  return err;
}

/** Writes whole encryption blocks, and keeps up to 15 bytes in RAM for the next call. */
function writeBlocks(app: AppContext, ota: OtaHandle, data: Uint8Array): number {
  let rest = data;
  if (ota.partialSize > 0) {
    const taken = Math.min(ENCRYPTION_BLOCK_SIZE - ota.partialSize, rest.length);
    ota.partial.set(rest.subarray(0, taken), ota.partialSize);
    ota.partialSize += taken;
    rest = rest.subarray(taken);
    if (ota.partialSize < ENCRYPTION_BLOCK_SIZE) return EspErr.ESP_OK;
    const err = writeOn(app, ota, ota.partial);
    if (err !== EspErr.ESP_OK) return err;
    ota.partialSize = 0;
    ota.partial.fill(0xff);
  }
  const whole = rest.length - (rest.length % ENCRYPTION_BLOCK_SIZE);
  ota.partial.set(rest.subarray(whole));
  ota.partialSize = rest.length - whole;
  return writeOn(app, ota, rest.subarray(0, whole));
}

/** Returns whether the staging partition holds a valid image for the type of the final one. Data is not checked. */
function isWhole(app: AppContext, { partition: staging, final }: OtaHandle): boolean {
  const { type } = final.partition;
  if (type === PartitionType.APP) return esp_image_verify(app, staging) === EspErr.ESP_OK;
  if (type !== PartitionType.PARTITION_TABLE) return true;
  const { err, data } = esp_partition_read(app, staging, 0, PARTITION_TABLE_SIZE);
  try {
    return err === EspErr.ESP_OK && parsePartitionTable(data).md5 !== "mismatch";
  } catch (error) {
    if (isOtaError(error)) return false;
    throw error;
  }
}
