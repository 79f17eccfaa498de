import { PARTITION_TABLE_SIZE, PartitionType } from "@tinybms/ota-core/esp";
import { flashViewOf } from "../boot/flash-view.ts";
import { EspAbort } from "../esp-err/esp-abort.ts";
import { EspErr } from "../esp-err/esp-err.ts";
import { ENCRYPTION_BLOCK_SIZE } from "../flash/encrypted-flash.ts";
import type { FlashAccess } from "../flash/flash-reader.ts";
import { programUnaligned } from "../flash/flash-violations.ts";
import { SECTOR_SIZE } from "../flash/sector-store.ts";
import type { AppContext, EspPartition } from "./app-context.ts";

/** Any type (`ESP_PARTITION_TYPE_ANY`). */
export const ESP_PARTITION_TYPE_ANY = 0xff;

/** Any subtype (`ESP_PARTITION_SUBTYPE_ANY`). */
export const ESP_PARTITION_SUBTYPE_ANY = 0xff;

/**
 * Returns the first matching partition in the table (`esp_partition_find_first`).
 *
 * @param type - `PartitionType`, or {@link ESP_PARTITION_TYPE_ANY}.
 * @param subtype - A subtype of that type, or {@link ESP_PARTITION_SUBTYPE_ANY}.
 * @param label - Label; by default any.
 * @returns `undefined` for NULL.
 */
export function esp_partition_find_first(
  app: AppContext,
  type: number,
  subtype: number,
  label?: string,
): EspPartition | undefined {
  // ESP-IDF finds nothing, because a subtype has no meaning without its type.
  if (type === ESP_PARTITION_TYPE_ANY && subtype !== ESP_PARTITION_SUBTYPE_ANY) return undefined;
  return app.partitions.find(
    (partition) =>
      (type === ESP_PARTITION_TYPE_ANY || partition.type === type) &&
      (subtype === ESP_PARTITION_SUBTYPE_ANY || partition.subtype === subtype) &&
      (label === undefined || partition.label === label),
  );
}

/**
 * Returns the table's partition with the same members (`esp_partition_verify`).
 *
 * @returns `undefined` for NULL.
 */
export function esp_partition_verify(app: AppContext, partition: EspPartition): EspPartition | undefined {
  const { type, subtype, label, address, size, encrypted } = partition;
  return app.partitions.find(
    (candidate) =>
      candidate.type === type &&
      candidate.subtype === subtype &&
      (label === "" || candidate.label === label) &&
      candidate.address === address &&
      candidate.size === size &&
      candidate.encrypted === encrypted,
  );
}

/**
 * Reads from a partition (`esp_partition_read`).
 *
 * @param offset - Offset in the partition, in bytes.
 * @param size - Number of bytes.
 * @returns `err`: 0x102 if the offset lies beyond the partition; 0x104 if the end does; 0x102 beyond the flash.
 */
export function esp_partition_read(
  app: AppContext,
  partition: EspPartition,
  offset: number,
  size: number,
): { readonly err: number; readonly data: Uint8Array } {
  const err = boundsError(partition, offset, size);
  if (err !== EspErr.ESP_OK) return { err, data: new Uint8Array(0) };
  const data = flashOf(app, partition).read(partition.address + offset, size);
  return { err: data.length === size ? EspErr.ESP_OK : EspErr.ESP_ERR_INVALID_ARG, data };
}

/**
 * Programs bytes of a partition (`esp_partition_write`). Does not check that they were erased.
 *
 * @returns 0x10D for a read-only partition; then as {@link esp_partition_read}; if the partition is encrypted, 0x102 for an
 *   offset and 0x104 for a size that is not a multiple of 16; 0x6001 if the flash fails.
 * @throws {@link EspAbort} for a write to the running app, or to the flash up to the end of the partition table.
 */
export function esp_partition_write(
  app: AppContext,
  partition: EspPartition,
  offset: number,
  data: Uint8Array,
): number {
  if (isReadOnly(app, partition)) return EspErr.ESP_ERR_NOT_ALLOWED;
  const err = boundsError(partition, offset, data.length);
  if (err !== EspErr.ESP_OK) return err;
  if (partition.encrypted) {
    if (data.length === 0) return EspErr.ESP_OK;
    const isAligned = offset % ENCRYPTION_BLOCK_SIZE === 0;
    if (!isAligned || data.length % ENCRYPTION_BLOCK_SIZE !== 0) {
      app.flash.reportViolation(programUnaligned(partition.address + offset, data.length));
      return isAligned ? EspErr.ESP_ERR_INVALID_SIZE : EspErr.ESP_ERR_INVALID_ARG;
    }
  }
  assertRegionSafe(app, "esp_partition_write", partition.address + offset, data.length);
  const done = flashOf(app, partition).program(partition.address + offset, data);
  return done ? EspErr.ESP_OK : failureOf(app, partition.address + offset + data.length);
}

/**
 * Erases whole sectors of a partition (`esp_partition_erase_range`).
 *
 * @returns 0x10D for a read-only partition; then as {@link esp_partition_read}; 0x104 for a size and 0x102 for an offset
 *   that is not a multiple of 4096; 0x6001 if the flash fails.
 * @throws {@link EspAbort} as {@link esp_partition_write}.
 */
export function esp_partition_erase_range(
  app: AppContext,
  partition: EspPartition,
  offset: number,
  size: number,
): number {
  if (isReadOnly(app, partition)) return EspErr.ESP_ERR_NOT_ALLOWED;
  const err = boundsError(partition, offset, size);
  if (err !== EspErr.ESP_OK) return err;
  if (size % SECTOR_SIZE !== 0) return EspErr.ESP_ERR_INVALID_SIZE;
  if (offset % SECTOR_SIZE !== 0) return EspErr.ESP_ERR_INVALID_ARG;
  assertRegionSafe(app, "esp_partition_erase_range", partition.address + offset, size);
  const done = app.flash.eraseRange(partition.address + offset, size);
  return done ? EspErr.ESP_OK : failureOf(app, partition.address + offset + size);
}

/**
 * Copies the start of a partition to another, 4 KiB at a time (`esp_partition_copy`). Erases the sectors of `target` first.
 *
 * @param size - Number of bytes; by default the whole source.
 * @returns 0x102 for a copy to itself; 0x104 if either partition is smaller; otherwise the result of erasing and writing.
 */
export function esp_partition_copy(
  app: AppContext,
  target: EspPartition,
  source: EspPartition,
  size: number = source.size,
): number {
  if (target.address === source.address) return EspErr.ESP_ERR_INVALID_ARG;
  if (size > source.size || size > target.size) return EspErr.ESP_ERR_INVALID_SIZE;
  const erased = esp_partition_erase_range(app, target, 0, Math.ceil(size / SECTOR_SIZE) * SECTOR_SIZE);
  if (erased !== EspErr.ESP_OK) return erased;
  for (let offset = 0; offset < size; offset += SECTOR_SIZE) {
    const { err, data } = esp_partition_read(app, source, offset, Math.min(SECTOR_SIZE, size - offset));
    const written = err === EspErr.ESP_OK ? esp_partition_write(app, target, offset, data) : err;
    if (written !== EspErr.ESP_OK) return written;
  }
  return EspErr.ESP_OK;
}

/** Returns the flash through which software accesses a partition: decrypted if the partition is encrypted. */
export function flashOf(app: AppContext, { encrypted }: Pick<EspPartition, "encrypted">): FlashAccess {
  return encrypted ? flashViewOf(app) : app.flash;
}

/** Returns the error of an access that the flash refused: it lies beyond the end of the flash, or the chip failed. */
function failureOf(app: AppContext, end: number): number {
  return end > app.flash.sizeBytes ? EspErr.ESP_ERR_INVALID_ARG : EspErr.ESP_ERR_FLASH_OP_FAIL;
}

function isReadOnly(app: AppContext, partition: EspPartition): boolean {
  return partition.readonly && app.options.idf.behaviors.honorsReadOnlyFlag;
}

function boundsError(partition: EspPartition, offset: number, size: number): number {
  if (offset > partition.size) return EspErr.ESP_ERR_INVALID_ARG;
  return size > partition.size - offset ? EspErr.ESP_ERR_INVALID_SIZE : EspErr.ESP_OK;
}

/** Aborts as `CONFIG_SPI_FLASH_DANGEROUS_WRITE_ABORTS`, the default, does (`esp_partition_main_flash_region_safe`). */
function assertRegionSafe(app: AppContext, where: string, address: number, size: number): void {
  const at = `${size} bytes at 0x${address.toString(16)}`;
  if (address <= app.options.tableOffset + PARTITION_TABLE_SIZE) {
    throw new EspAbort(where, `${at} would change the bootloader or the partition table`);
  }
  const { address: start, size: length } = runningPartition(app);
  const startsInside = address >= start && address < start + length;
  if (startsInside || (address < start && address + size > start)) {
    throw new EspAbort(where, `${at} would change the running app`);
  }
}

/**
 * Returns the first app partition in the table that contains the running app.
 *
 * @throws {@link EspAbort} if there is none, for example because the table has no MD5.
 */
export function runningPartition(app: AppContext): EspPartition {
  const running = app.partitions.find(
    ({ type, address, size }) =>
      type === PartitionType.APP && app.running.offset >= address && app.running.offset < address + size,
  );
  if (running === undefined) throw new EspAbort("esp_ota_get_running_partition", "no partition holds the running app");
  return running;
}
