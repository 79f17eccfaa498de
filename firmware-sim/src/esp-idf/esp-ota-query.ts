import {
  APP_DESCRIPTOR_OFFSET,
  APP_DESCRIPTOR_SIZE,
  type AppDescriptor,
  AppSubtype,
  OTA_SLOTS_MAX,
  type OtadataEntry,
  OtaImageState,
  otadataCrc,
  otaSlotOfSequence,
  PartitionType,
} from "@tinybms/ota-core/esp";
import { toAppDescription } from "../boot/app-description.ts";
import { EspAbort } from "../esp-err/esp-abort.ts";
import { EspErr } from "../esp-err/esp-err.ts";
import type { AppContext, EspPartition } from "./app-context.ts";
import { esp_image_verify } from "./esp-image.ts";
import { esp_partition_read, esp_partition_verify, runningPartition } from "./esp-partition.ts";
import { findOtaSlot, readOtaSelect, slotOfEntry } from "./ota-select.ts";

/**
 * `esp_ota_get_running_partition`: where the running code lies, whatever otadata says.
 *
 * @throws {@link EspAbort} where no partition holds it.
 */
export function esp_ota_get_running_partition(app: AppContext): EspPartition {
  return runningPartition(app);
}

/** `esp_app_get_description`: the running image's own descriptor, never read from flash. */
export function esp_app_get_description(app: AppContext): AppDescriptor | undefined {
  return app.running.descriptor;
}

/**
 * `esp_ota_get_next_update_partition`: the OTA slot after `from`, around to the lowest. With a single slot that is the
 * same one, though ESP-IDF's header says otherwise.
 *
 * @param from - A partition of the table; the running one without it.
 * @returns `undefined` for NULL: no OTA slot.
 * @throws {@link EspAbort} if `from` isn't in the table.
 */
export function esp_ota_get_next_update_partition(app: AppContext, from?: EspPartition): EspPartition | undefined {
  const start = from === undefined ? runningPartition(app) : esp_partition_verify(app, from);
  if (start === undefined) {
    throw new EspAbort("esp_ota_get_next_update_partition", "assert failed: the partition isn't in the table");
  }
  const slots = Array.from({ length: OTA_SLOTS_MAX }, (_, slot) => findOtaSlot(app, slot)).filter(
    (slot) => slot !== undefined,
  );
  const position = slots.findIndex((slot) => slot.address === start.address);
  return slots[position + 1] ?? slots[0];
}

/**
 * `esp_ota_get_state_partition`: the state of the first entry that selects the partition and whose CRC is right, be it
 * the active one or not.
 *
 * @returns 0x102 for NULL, 0x106 for no OTA slot, 0x105 without otadata or without such an entry.
 */
export function esp_ota_get_state_partition(
  app: AppContext,
  partition: EspPartition | undefined,
): { readonly err: number; readonly state?: number } {
  if (partition === undefined) return { err: EspErr.ESP_ERR_INVALID_ARG };
  if (!isOtaSlot(partition)) return { err: EspErr.ESP_ERR_NOT_SUPPORTED };
  const select = readOtaSelect(app);
  if (select === undefined || select.slotCount === 0) return { err: EspErr.ESP_ERR_NOT_FOUND };
  const entry = select.entries.find(
    (candidate) =>
      hasRightCrc(candidate) &&
      AppSubtype.OTA_0 + otaSlotOfSequence(candidate.sequence, select.slotCount) === partition.subtype,
  );
  return entry === undefined ? { err: EspErr.ESP_ERR_NOT_FOUND } : { err: EspErr.ESP_OK, state: entry.state };
}

/**
 * `esp_ota_get_last_invalid_partition`: the slot that was given up last and still holds a whole image.
 *
 * @returns `undefined` for NULL. Of two such entries ESP-IDF takes the smaller sequence number.
 */
export function esp_ota_get_last_invalid_partition(app: AppContext): EspPartition | undefined {
  const select = readOtaSelect(app);
  if (select === undefined) return undefined;
  const [first, second] = select.entries.filter(isGivenUp);
  const entry = second !== undefined && first !== undefined && second.sequence < first.sequence ? second : first;
  const partition = entry === undefined ? undefined : slotOfEntry(app, select, entry);
  return partition !== undefined && esp_image_verify(app, partition) === EspErr.ESP_OK ? partition : undefined;
}

/**
 * `esp_ota_get_partition_description`: the descriptor in a partition. Checks its magic word alone, so that a half-written
 * image has one too.
 *
 * @returns 0x102 for NULL, 0x106 for no app partition, 0x105 without a descriptor.
 */
export function esp_ota_get_partition_description(
  app: AppContext,
  partition: EspPartition | undefined,
): { readonly err: number; readonly description?: AppDescriptor } {
  if (partition === undefined) return { err: EspErr.ESP_ERR_INVALID_ARG };
  if (partition.type !== PartitionType.APP) return { err: EspErr.ESP_ERR_NOT_SUPPORTED };
  const { err, data } = esp_partition_read(app, partition, APP_DESCRIPTOR_OFFSET, APP_DESCRIPTOR_SIZE);
  if (err !== EspErr.ESP_OK) return { err };
  const description = toAppDescription(data);
  return description === undefined ? { err: EspErr.ESP_ERR_NOT_FOUND } : { err: EspErr.ESP_OK, description };
}

/** Whether a partition is `ota_0` … `ota_15`. */
export function isOtaSlot({ type, subtype }: EspPartition): boolean {
  return type === PartitionType.APP && subtype >= AppSubtype.OTA_0 && subtype < AppSubtype.OTA_0 + OTA_SLOTS_MAX;
}

/** Whether an entry's CRC is right; a blank entry's is not. */
export function hasRightCrc(entry: OtadataEntry): boolean {
  return entry.crc === otadataCrc(entry.sequence);
}

function isGivenUp(entry: OtadataEntry): boolean {
  const { sequence, state } = entry;
  const givenUp = state === OtaImageState.INVALID || state === OtaImageState.ABORTED;
  return sequence !== 0xffff_ffff && hasRightCrc(entry) && givenUp;
}
