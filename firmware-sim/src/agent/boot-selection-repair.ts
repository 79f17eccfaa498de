import type { TargetSlot } from "@tinybms/ota-core";
import { AppSubtype, OtaImageState } from "@tinybms/ota-core/esp";
import { EspErr } from "../esp-err/esp-err.ts";
import type { AppContext, EspPartition } from "../esp-idf/app-context.ts";
import { esp_ota_get_boot_partition, esp_ota_set_boot_partition } from "../esp-idf/esp-ota-boot.ts";
import {
  esp_ota_get_next_update_partition,
  esp_ota_get_running_partition,
  esp_ota_get_state_partition,
  hasRightCrc,
} from "../esp-idf/esp-ota-query.ts";
import {
  esp_ota_invalidate_inactive_ota_data_slot,
  esp_ota_mark_app_valid_cancel_rollback,
} from "../esp-idf/esp-ota-rollback.ts";
import {
  eraseEntry,
  nextSequence,
  otherEntry,
  readOtaSelect,
  rewriteEntry,
  slotOfEntry,
} from "../esp-idf/ota-select.ts";

/** Maximum number of OTA slots in a partition table (`esp_partition.h`, `ESP_PARTITION_SUBTYPE_APP_OTA_MAX`). */
const OTA_SLOTS_MAX = 16;

/** Returns `true` if otadata selects the running slot, or there is no otadata. */
export function isRunningSelected(app: AppContext): boolean {
  const selected = esp_ota_get_boot_partition(app);
  return selected === undefined || selected.address === esp_ota_get_running_partition(app).address;
}

/**
 * Makes otadata select the running slot after the bootloader fell back to it from another one. The bootloader does not
 * record a fallback, but `esp_ota_mark_app_valid_cancel_rollback` and `esp_ota_set_boot_partition` use the selected
 * entry: the first would confirm the image that failed to boot, and the second could overwrite the entry of the running
 * one.
 *
 * Selects the running slot again and confirms it, or, if it is on trial, puts it on probation again. Changes nothing if
 * the running image was rejected (ABORTED or INVALID).
 *
 * @param isOnTrial - Whether the agent's own record says that the running image is not confirmed yet.
 * @throws {@link PowerCut} if the flash loses power. The next start then repeats the repair.
 */
export function repairBootSelection(app: AppContext, isOnTrial: boolean): void {
  if (isRunningSelected(app) && !isUnrecorded(app)) return;
  const running = esp_ota_get_running_partition(app);
  if (isGivenUp(esp_ota_get_state_partition(app, running).state)) return;
  if (esp_ota_set_boot_partition(app, running) !== EspErr.ESP_OK || isOnTrial) return;
  // The call confirms the right entry only if the running slot is selected. Factory has no entry.
  if (isRunningSelected(app)) esp_ota_mark_app_valid_cancel_rollback(app);
}

/**
 * Returns `true` if otadata selects the running slot as confirmed, so that another slot can roll back to it. Factory
 * needs no entry for that.
 */
export function isRunningRecorded(app: AppContext): boolean {
  const running = esp_ota_get_running_partition(app);
  if (!isOtaSlot(running)) return true;
  const select = readOtaSelect(app);
  if (select?.active === undefined) return false;
  const selected = slotOfEntry(app, select, select.entries[select.active]);
  return selected?.address === running.address && !isRunningPending(app);
}

/**
 * Records the running OTA slot again, as confirmed, in the inactive sector of otadata. Call it before another slot is
 * selected in two cases: if no entry selects the running slot ({@link isRunningRecorded}), for example because a
 * rejected image runs when no other image boots; and after a reset that software did not request. Power may then have
 * failed while the entry was written, and its cells may read correctly now and incorrectly later.
 *
 * Writes the entry directly, because `esp_ota_set_boot_partition` would erase the active one.
 *
 * @returns ESP_OK, or the error of writing the entry. Without otadata and for factory, writes nothing.
 * @throws {@link PowerCut} if the flash loses power. The previous entry then still selects the running slot.
 */
export function recordRunningAnew(app: AppContext): number {
  const running = esp_ota_get_running_partition(app);
  if (!isOtaSlot(running)) return EspErr.ESP_OK;
  const select = readOtaSelect(app);
  if (select === undefined) return EspErr.ESP_OK;
  const { active, entries, slotCount } = select;
  const [slot, state] = [running.subtype - AppSubtype.OTA_0, OtaImageState.VALID];
  if (active === undefined) return rewriteEntry(app, select, 0, { sequence: slot + 1, state });
  const sequence = nextSequence(entries[active].sequence + 1, slot, slotCount);
  return rewriteEntry(app, select, otherEntry(active), { sequence, state });
}

/**
 * Makes otadata select another slot if it selects the one that is about to be overwritten or set to boot. This happens
 * after a fallback that was not repaired because the running image was rejected. Otherwise, a partly written image
 * would start without probation, and in releases before 6.0 `esp_ota_set_boot_partition` of the active slot would make
 * a rollback impossible (docs/decisions/0001).
 *
 * Records the running OTA slot instead. For factory, erases all of otadata, the active entry last.
 *
 * @returns ESP_OK, or the error of writing otadata.
 * @throws {@link PowerCut} if the flash loses power. The next start then falls back again, or selects the running slot.
 */
export function deselectTarget(app: AppContext, target: EspPartition): number {
  const select = readOtaSelect(app);
  if (select?.active === undefined) return EspErr.ESP_OK;
  const { active, entries } = select;
  if (slotOfEntry(app, select, entries[active])?.address !== target.address) return EspErr.ESP_OK;
  if (isOtaSlot(esp_ota_get_running_partition(app))) return recordRunningAnew(app);
  const erased = eraseEntry(app, select, otherEntry(active));
  return erased === EspErr.ESP_OK ? eraseEntry(app, select, active) : erased;
}

/**
 * Erases the inactive entry of otadata, to prevent a rollback to the slot that is about to be overwritten. Releases
 * before 5.5 have no function for it, so the sector is erased through its partition.
 *
 * @returns ESP_FAIL, without a change, unless one entry is active and the other selects a slot that isn't running.
 * @throws {@link PowerCut} if the flash loses power.
 */
export function invalidateInactiveEntry(app: AppContext): number {
  if (app.options.idf.behaviors.hasInvalidateInactiveSlot) return esp_ota_invalidate_inactive_ota_data_slot(app);
  const select = readOtaSelect(app);
  if (select?.active === undefined) return EspErr.ESP_FAIL;
  const inactive = otherEntry(select.active);
  const slot = slotOfEntry(app, select, select.entries[inactive]);
  const isOther = slot !== undefined && slot.address !== esp_ota_get_running_partition(app).address;
  if (!isOther || !hasRightCrc(select.entries[inactive])) return EspErr.ESP_FAIL;
  return eraseEntry(app, select, inactive);
}

/**
 * Returns `true` if no entry selects the running OTA slot, because a power cut tore the bootloader's first entry on
 * blank otadata. Without an entry, a rollback to this slot is impossible.
 */
function isUnrecorded(app: AppContext): boolean {
  const select = readOtaSelect(app);
  return select !== undefined && select.active === undefined && isOtaSlot(esp_ota_get_running_partition(app));
}

function isOtaSlot({ subtype }: EspPartition): boolean {
  return subtype >= AppSubtype.OTA_0 && subtype < AppSubtype.OTA_0 + OTA_SLOTS_MAX;
}

/** Returns `true` if otadata selects the running image and its entry is not confirmed yet. */
export function isRunningPending(app: AppContext): boolean {
  const select = readOtaSelect(app);
  if (select?.active === undefined) return false;
  const entry = select.entries[select.active];
  if (slotOfEntry(app, select, entry)?.address !== esp_ota_get_running_partition(app).address) return false;
  return entry.state === OtaImageState.PENDING_VERIFY || entry.state === OtaImageState.NEW;
}

/** Slot for the next image. */
export interface UpdateTarget {
  readonly partition: EspPartition;
  readonly slot: TargetSlot;
}

/**
 * Returns the slot for the next image, from otadata as the bootloader left it. Must be called before the repair.
 *
 * @returns `undefined` if there is no other OTA slot, or no otadata to select it.
 */
export function findUpdateTarget(app: AppContext): UpdateTarget | undefined {
  const partition = esp_ota_get_next_update_partition(app);
  if (partition === undefined || readOtaSelect(app) === undefined) return undefined;
  if (partition.address === esp_ota_get_running_partition(app).address) return undefined;
  const { state } = esp_ota_get_state_partition(app, partition);
  // PENDING_VERIFY on a slot that isn't running: the bootloader tried to start it and fell back.
  const condemned = isGivenUp(state) || state === OtaImageState.PENDING_VERIFY;
  return { partition, slot: { slot: partition.label, sizeBytes: partition.size, condemned } };
}

function isGivenUp(state: number | undefined): boolean {
  return state === OtaImageState.ABORTED || state === OtaImageState.INVALID;
}
