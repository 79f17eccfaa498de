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

/** OTA slots that a partition table can have (`esp_partition.h`, ESP_PARTITION_SUBTYPE_APP_OTA_MAX). */
const OTA_SLOTS_MAX = 16;

/** Whether the slot that otadata selects is the one that runs. Without otadata there is nothing to select. */
export function isRunningSelected(app: AppContext): boolean {
  const selected = esp_ota_get_boot_partition(app);
  return selected === undefined || selected.address === esp_ota_get_running_partition(app).address;
}

/**
 * Makes otadata agree with what runs, after the bootloader fell back to another slot than the selected one. It tells
 * otadata nothing of that, while `esp_ota_mark_app_valid_cancel_rollback` and `esp_ota_set_boot_partition` go by the
 * selected entry: the first would confirm the image that could not boot, the second could overwrite the record of the one
 * that did.
 *
 * The running slot is selected anew and confirmed, unless it is on trial: then it is on probation again. An image that
 * was given up (ABORTED or INVALID) stays given up, with nothing changed.
 *
 * @param isOnTrial - The agent's own record says that the running image has yet to prove itself.
 * @throws PowerCut where the flash loses power: the next start finds the same, and does the same.
 */
export function repairBootSelection(app: AppContext, isOnTrial: boolean): void {
  if (isRunningSelected(app) && !isUnrecorded(app)) return;
  const running = esp_ota_get_running_partition(app);
  if (isGivenUp(esp_ota_get_state_partition(app, running).state)) return;
  if (esp_ota_set_boot_partition(app, running) !== EspErr.ESP_OK || isOnTrial) return;
  // Only with the running slot selected does the call confirm the right entry. Factory has none.
  if (isRunningSelected(app)) esp_ota_mark_app_valid_cancel_rollback(app);
}

/**
 * Whether otadata selects what runs, and as confirmed: there would be a way back to it from another slot. Factory has no
 * entry, and needs none.
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
 * Records the running OTA slot once more, confirmed, in the sector of otadata that does not count now. To be called before
 * another slot is selected: where nothing selects the running one ({@link isRunningRecorded}), as with an image that was
 * given up and runs for want of another; and after a reset that nobody asked for. The power may have gone then while the
 * entry was written, and the cells of such an entry can read right now and wrong later.
 *
 * The entry is written as it is, since `esp_ota_set_boot_partition` would erase the one that counts.
 *
 * @returns ESP_OK, or what kept the entry from being written. Without otadata and for factory nothing is.
 * @throws PowerCut where the flash loses power: the entry before still selects the running slot.
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
 * Makes otadata select another slot than the one about to be overwritten or set to boot, if it selects that: after a
 * fall-back that was not repaired, since the running image had been given up. A half-written image would start without
 * probation, and before 6.0 `esp_ota_set_boot_partition` of the slot that is active leaves no way back (docs/decisions/0001).
 *
 * The running OTA slot is recorded in place of what it fell back from. For factory all of otadata is erased, the entry that
 * counts last.
 *
 * @returns ESP_OK, or what kept otadata from being written.
 * @throws PowerCut where the flash loses power: the next start falls back again, or selects what runs.
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
 * Erases the entry of otadata that does not count, so that the slot about to be overwritten is not gone back to. Releases
 * before 5.5 have no call for it: there the sector is erased through its partition.
 *
 * @returns ESP_FAIL, with nothing done, unless an entry is active and the other one is of a slot that isn't running.
 * @throws PowerCut where the flash loses power.
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
 * Whether an OTA slot runs that no entry selects: the bootloader's first entry on blank otadata was torn. Without one there
 * would be nothing to go back to.
 */
function isUnrecorded(app: AppContext): boolean {
  const select = readOtaSelect(app);
  return select !== undefined && select.active === undefined && isOtaSlot(esp_ota_get_running_partition(app));
}

function isOtaSlot({ subtype }: EspPartition): boolean {
  return subtype >= AppSubtype.OTA_0 && subtype < AppSubtype.OTA_0 + OTA_SLOTS_MAX;
}

/** Whether the running image's own entry, if otadata selects it, awaits confirmation. */
export function isRunningPending(app: AppContext): boolean {
  const select = readOtaSelect(app);
  if (select?.active === undefined) return false;
  const entry = select.entries[select.active];
  if (slotOfEntry(app, select, entry)?.address !== esp_ota_get_running_partition(app).address) return false;
  return entry.state === OtaImageState.PENDING_VERIFY || entry.state === OtaImageState.NEW;
}

/** Where the next image goes. */
export interface UpdateTarget {
  readonly partition: EspPartition;
  readonly slot: TargetSlot;
}

/**
 * The slot for the next image, judged by otadata as the bootloader left it: ask before the repair.
 *
 * @returns `undefined` where there is no OTA slot beside the running one, or no otadata to select it by.
 */
export function findUpdateTarget(app: AppContext): UpdateTarget | undefined {
  const partition = esp_ota_get_next_update_partition(app);
  if (partition === undefined || readOtaSelect(app) === undefined) return undefined;
  if (partition.address === esp_ota_get_running_partition(app).address) return undefined;
  const { state } = esp_ota_get_state_partition(app, partition);
  // PENDING_VERIFY on a slot that isn't running: it was to start, and the bootloader fell back from it.
  const condemned = isGivenUp(state) || state === OtaImageState.PENDING_VERIFY;
  return { partition, slot: { slot: partition.label, sizeBytes: partition.size, condemned } };
}

function isGivenUp(state: number | undefined): boolean {
  return state === OtaImageState.ABORTED || state === OtaImageState.INVALID;
}
