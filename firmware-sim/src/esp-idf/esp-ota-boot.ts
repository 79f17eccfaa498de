import {
  AppSubtype,
  isSelectInvalid,
  OTA_SLOTS_MAX,
  OtaImageState,
  otaSlotOfSequence,
  PartitionType,
} from "@tinybms/ota-core/esp";
import { EspErr } from "../esp-err/esp-err.ts";
import type { AppContext, EspPartition } from "./app-context.ts";
import { esp_image_verify } from "./esp-image.ts";
import { esp_ota_get_partition_description } from "./esp-ota-query.ts";
import { esp_partition_erase_range, esp_partition_find_first } from "./esp-partition.ts";
import { assertHasCall } from "./missing-call.ts";
import { findOtaSlot, nextSequence, otherEntry, readOtaSelect, rewriteEntry, slotOfEntry } from "./ota-select.ts";

/**
 * Verifies an image and selects it for the next start (`esp_ota_set_boot_partition`).
 *
 * Writes the entry to the inactive sector. With rollback its state is NEW, so the app must confirm itself, even if it was
 * confirmed before. If the active entry already selects the slot, releases from 6.0 on rewrite that entry in place. Older
 * releases write the other sector with the same sequence; then two entries select the slot, and the first one is active.
 *
 * @param partition - An app partition; `undefined` is NULL.
 * @returns 0x102 for NULL, another type of partition, or a slot behind a gap; 0x1503 if the image is invalid; 0x105
 *   without otadata; with anti-rollback, 0x1504 for a lower secure version, after erasing the partition.
 * @throws {@link PowerCut} if the flash loses power; {@link EspAbort} if the device would abort.
 */
export function esp_ota_set_boot_partition(app: AppContext, partition: EspPartition | undefined): number {
  if (partition === undefined) return EspErr.ESP_ERR_INVALID_ARG;
  if (esp_image_verify(app, partition) !== EspErr.ESP_OK) return EspErr.ESP_ERR_OTA_VALIDATE_FAILED;
  return selectPartition(app, partition);
}

/**
 * Selects a partition without verifying its image (`esp_ota_set_boot_partition_skip_validate`).
 *
 * @returns As {@link esp_ota_set_boot_partition}, except 0x1503.
 * @throws Error if the release does not have this function; otherwise as {@link esp_ota_set_boot_partition}.
 */
export function esp_ota_set_boot_partition_skip_validate(app: AppContext, partition: EspPartition | undefined): number {
  assertHasCall(app, "hasSetBootSkipValidate");
  return partition === undefined ? EspErr.ESP_ERR_INVALID_ARG : selectPartition(app, partition);
}

/** Selects a partition (`esp_ota_set_boot_partition_internal`). */
function selectPartition(app: AppContext, partition: EspPartition): number {
  if (partition.type !== PartitionType.APP) return EspErr.ESP_ERR_INVALID_ARG;
  if (partition.subtype === AppSubtype.FACTORY) return selectFactory(app);
  if (app.options.antiRollback) {
    const { err, description } = esp_ota_get_partition_description(app, partition);
    if (description === undefined) return err;
    if (!app.efuse.allowsSecureVersion(description.secureVersion)) {
      const erased = esp_partition_erase_range(app, partition, 0, partition.size);
      return erased === EspErr.ESP_OK ? EspErr.ESP_ERR_OTA_SMALL_SEC_VER : erased;
    }
  }
  return esp_rewrite_ota_data(app, partition.subtype);
}

/**
 * Returns the partition that otadata selects (`esp_ota_get_boot_partition`). Verifies nothing, so the bootloader may start
 * another one.
 *
 * @returns `undefined` for NULL: there is no otadata, or the selected slot has no partition.
 */
export function esp_ota_get_boot_partition(app: AppContext): EspPartition | undefined {
  const select = readOtaSelect(app);
  if (select === undefined) return undefined;
  if (select.entries.every(isSelectInvalid) || select.slotCount === 0 || select.active === undefined) {
    return defaultBootPartition(app);
  }
  return slotOfEntry(app, select, select.entries[select.active]);
}

/** Erases otadata, so that the bootloader starts factory. */
function selectFactory(app: AppContext): number {
  const select = readOtaSelect(app);
  if (select === undefined) return EspErr.ESP_ERR_NOT_FOUND;
  return esp_partition_erase_range(app, select.partition, 0, select.partition.size);
}

/** Writes the entry that selects a slot. The low half of the subtype is the slot number, so `test` also selects `ota_0`. */
function esp_rewrite_ota_data(app: AppContext, subtype: number): number {
  const select = readOtaSelect(app);
  if (select === undefined) return EspErr.ESP_ERR_NOT_FOUND;
  const { active, entries, slotCount } = select;
  const slot = subtype & 0x0f;
  if (slot >= slotCount) return EspErr.ESP_ERR_INVALID_ARG;
  const state = app.options.rollback ? OtaImageState.NEW : OtaImageState.UNDEFINED;
  if (active === undefined) return rewriteEntry(app, select, 0, { sequence: slot + 1, state });
  const current = entries[active].sequence;
  const isActive = otaSlotOfSequence(current, slotCount) === slot;
  if (isActive && app.options.idf.behaviors.rewritesActiveEntryInPlace) {
    return rewriteEntry(app, select, active, { state });
  }
  return rewriteEntry(app, select, otherEntry(active), { sequence: nextSequence(current, slot, slotCount), state });
}

/** Returns factory, or the lowest OTA slot, or test. */
function defaultBootPartition(app: AppContext): EspPartition | undefined {
  const factory = esp_partition_find_first(app, PartitionType.APP, AppSubtype.FACTORY);
  if (factory !== undefined) return factory;
  for (let slot = 0; slot < OTA_SLOTS_MAX; slot++) {
    const partition = findOtaSlot(app, slot);
    if (partition !== undefined) return partition;
  }
  return esp_partition_find_first(app, PartitionType.APP, AppSubtype.TEST);
}
