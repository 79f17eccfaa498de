import { AppSubtype, isSelectValid, OtaImageState, PartitionType } from "@tinybms/ota-core/esp";
import { EspErr } from "../esp-err/esp-err.ts";
import type { AppContext } from "./app-context.ts";
import { esp_image_verify } from "./esp-image.ts";
import { esp_ota_get_partition_description, hasRightCrc } from "./esp-ota-query.ts";
import { esp_partition_erase_range, esp_partition_find_first, runningPartition } from "./esp-partition.ts";
import { assertHasCall } from "./missing-call.ts";
import { eraseEntry, type OtaSelect, otherEntry, readOtaSelect, rewriteEntry, slotOfEntry } from "./ota-select.ts";

/**
 * Confirms the app (`esp_ota_mark_app_valid_cancel_rollback`).
 *
 * Marks the active *entry* as VALID. After a fallback, that is the entry of the slot that did not boot.
 *
 * @returns 0x105 without otadata; ESP_FAIL if no entry is active; ESP_OK, without a flash operation, if the entry is
 *   already VALID; otherwise the result of rewriting the entry and, with anti-rollback, of burning the secure version.
 * @throws {@link PowerCut} if the flash loses power. Between erase and write, the entry is lost.
 */
export function esp_ota_mark_app_valid_cancel_rollback(app: AppContext): number {
  const { err, select, active } = activeEntry(app);
  if (select === undefined) return err;
  if (select.entries[active].state === OtaImageState.VALID) return EspErr.ESP_OK;
  const written = rewriteEntry(app, select, active, { state: OtaImageState.VALID });
  if (written !== EspErr.ESP_OK || !app.options.antiRollback) return written;
  return app.efuse.updateSecureVersion(app.running.descriptor?.secureVersion ?? 0);
}

/**
 * Marks the app as INVALID, so that the other one starts next (`esp_ota_mark_app_invalid_rollback`).
 *
 * @returns As {@link esp_ota_mark_app_valid_cancel_rollback}; 0x1505, with nothing written, if there is no app to roll back
 *   to.
 */
export function esp_ota_mark_app_invalid_rollback(app: AppContext): number {
  const { err, select, active } = activeEntry(app);
  if (select === undefined) return err;
  if (!isRollbackPossible(app, select)) return EspErr.ESP_ERR_OTA_ROLLBACK_FAILED;
  return rewriteEntry(app, select, active, { state: OtaImageState.INVALID });
}

/**
 * Marks the app as INVALID and restarts (`esp_ota_mark_app_invalid_rollback_and_reboot`).
 *
 * @returns `err` as for {@link esp_ota_mark_app_invalid_rollback}; `restart` if the device called `esp_restart()`, in which
 *   case the function does not return on the device.
 */
export function esp_ota_mark_app_invalid_rollback_and_reboot(app: AppContext): {
  readonly err: number;
  readonly restart: boolean;
} {
  const err = esp_ota_mark_app_invalid_rollback(app);
  return { err, restart: err === EspErr.ESP_OK };
}

/** Returns whether another app would boot and is allowed to (`esp_ota_check_rollback_is_possible`). */
export function esp_ota_check_rollback_is_possible(app: AppContext): boolean {
  const select = readOtaSelect(app);
  return select !== undefined && isRollbackPossible(app, select);
}

/**
 * Erases the inactive entry, to prevent a rollback to a slot that will be overwritten
 * (`esp_ota_invalidate_inactive_ota_data_slot`).
 *
 * @returns ESP_FAIL, with nothing done, unless one entry is active and the other selects a slot that isn't running.
 * @throws Error if the release does not have this function.
 */
export function esp_ota_invalidate_inactive_ota_data_slot(app: AppContext): number {
  assertHasCall(app, "hasInvalidateInactiveSlot");
  const { err, select, inactive } = lastBootEntry(app);
  return select === undefined ? err : eraseEntry(app, select, inactive);
}

/** Erases the partition of the previous app, then its entry (`esp_ota_erase_last_boot_app_partition`). Returns as above. */
export function esp_ota_erase_last_boot_app_partition(app: AppContext): number {
  const { err, select, inactive } = lastBootEntry(app);
  if (select === undefined) return err;
  const partition = slotOfEntry(app, select, select.entries[inactive]);
  if (partition === undefined) return EspErr.ESP_FAIL;
  const erased = esp_partition_erase_range(app, partition, 0, partition.size);
  return erased === EspErr.ESP_OK ? eraseEntry(app, select, inactive) : erased;
}

type ActiveEntry =
  | { readonly err: 0; readonly select: OtaSelect; readonly active: 0 | 1 }
  | { readonly err: number; readonly select?: undefined; readonly active?: undefined };

function activeEntry(app: AppContext): ActiveEntry {
  const select = readOtaSelect(app);
  if (select === undefined) return { err: EspErr.ESP_ERR_NOT_FOUND };
  if (select.active === undefined || select.slotCount === 0) return { err: EspErr.ESP_FAIL };
  return { err: EspErr.ESP_OK, select, active: select.active };
}

function isRollbackPossible(app: AppContext, select: OtaSelect): boolean {
  const { active, entries, slotCount } = select;
  if (active === undefined || slotCount === 0) return false;
  const other = entries[otherEntry(active)];
  if (!isSelectValid(other)) {
    if (app.options.antiRollback) return false;
    const factory = esp_partition_find_first(app, PartitionType.APP, AppSubtype.FACTORY);
    return factory !== undefined && esp_image_verify(app, factory) === EspErr.ESP_OK;
  }
  const partition = slotOfEntry(app, select, other);
  if (partition === undefined || esp_image_verify(app, partition) !== EspErr.ESP_OK) return false;
  if (!app.options.antiRollback) return true;
  const { description } = esp_ota_get_partition_description(app, partition);
  return description !== undefined && app.efuse.allowsSecureVersion(description.secureVersion);
}

type LastBootEntry =
  | { readonly err: 0; readonly select: OtaSelect; readonly inactive: 0 | 1 }
  | { readonly err: number; readonly select?: undefined; readonly inactive?: undefined };

/** Returns the inactive entry if its CRC is correct and it selects a slot other than the running one. */
function lastBootEntry(app: AppContext): LastBootEntry {
  const select = readOtaSelect(app);
  if (select?.active === undefined || select.slotCount === 0) return { err: EspErr.ESP_FAIL };
  const inactive = otherEntry(select.active);
  const entry = select.entries[inactive];
  if (entry.sequence === 0xffff_ffff || !hasRightCrc(entry)) return { err: EspErr.ESP_FAIL };
  if (slotOfEntry(app, select, entry)?.address === runningPartition(app).address) return { err: EspErr.ESP_FAIL };
  return { err: EspErr.ESP_OK, select, inactive };
}
