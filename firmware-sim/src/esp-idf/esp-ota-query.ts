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
 * Returns the partition that holds the running code (`esp_ota_get_running_partition`). Does not read otadata.
 *
 * @throws {@link EspAbort} if no partition holds it.
 */
export function esp_ota_get_running_partition(app: AppContext): EspPartition {
  return runningPartition(app);
}

/** Returns the descriptor of the running image (`esp_app_get_description`). Does not read flash. */
export function esp_app_get_description(app: AppContext): AppDescriptor | undefined {
  return app.running.descriptor;
}

/**
 * Returns the OTA slot after `from`, or the lowest one after the last (`esp_ota_get_next_update_partition`). With a single
 * slot this is the same slot, although ESP-IDF's header says otherwise.
 *
 * @param from - A partition in the table; by default the running one.
 * @returns `undefined` for NULL: there is no OTA slot.
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
 * Returns the state of the first entry that selects a partition and has a correct CRC, active or not
 * (`esp_ota_get_state_partition`).
 *
 * @returns `err`: 0x102 for NULL; 0x106 if the partition is not an OTA slot; 0x105 without otadata or such an entry.
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
 * Returns the slot whose entry is INVALID or ABORTED, if its image is valid (`esp_ota_get_last_invalid_partition`). Of two
 * such entries, ESP-IDF uses the one with the smaller sequence number.
 *
 * @returns `undefined` for NULL.
 */
export function esp_ota_get_last_invalid_partition(app: AppContext): EspPartition | undefined {
  const select = readOtaSelect(app);
  if (select === undefined) return undefined;
  const [first, second] = select.entries.filter(isInvalidOrAborted);
  const entry = second !== undefined && first !== undefined && second.sequence < first.sequence ? second : first;
  const partition = entry === undefined ? undefined : slotOfEntry(app, select, entry);
  return partition !== undefined && esp_image_verify(app, partition) === EspErr.ESP_OK ? partition : undefined;
}

/**
 * Reads the app descriptor in a partition (`esp_ota_get_partition_description`). Checks only its magic word, so a partly
 * written image has one too.
 *
 * @returns `err`: 0x102 for NULL; 0x106 if the partition is not an app partition; 0x105 without a descriptor.
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

/** Returns whether a partition is one of `ota_0` to `ota_15`. */
export function isOtaSlot({ type, subtype }: EspPartition): boolean {
  return type === PartitionType.APP && subtype >= AppSubtype.OTA_0 && subtype < AppSubtype.OTA_0 + OTA_SLOTS_MAX;
}

/** Returns whether an entry's CRC is correct. The CRC of a blank entry isn't. */
export function hasRightCrc(entry: OtadataEntry): boolean {
  return entry.crc === otadataCrc(entry.sequence);
}

function isInvalidOrAborted(entry: OtadataEntry): boolean {
  const { sequence, state } = entry;
  const isRejected = state === OtaImageState.INVALID || state === OtaImageState.ABORTED;
  return sequence !== 0xffff_ffff && hasRightCrc(entry) && isRejected;
}
