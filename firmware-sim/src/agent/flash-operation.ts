import type { FlashOperation, FlashResult, ReceiverAction } from "@tinybms/ota-core";
import { EspErr } from "../esp-err/esp-err.ts";
import type { AppContext, EspPartition } from "../esp-idf/app-context.ts";
import { esp_ota_set_boot_partition } from "../esp-idf/esp-ota-boot.ts";
import { esp_ota_mark_app_valid_cancel_rollback } from "../esp-idf/esp-ota-rollback.ts";
import { esp_partition_erase_range, esp_partition_read, esp_partition_write } from "../esp-idf/esp-partition.ts";
import { ENCRYPTION_BLOCK_SIZE } from "../flash/encrypted-flash.ts";
import { SECTOR_SIZE } from "../flash/sector-store.ts";
import { invalidateInactiveEntry, isRunningSelected } from "./boot-selection-repair.ts";
import { type SlotContent, verifyTarget } from "./verify-target.ts";

/** A flash operation that the receiver requests and that does not end in a reset. */
export type FlashAction = Extract<ReceiverAction, { readonly type: Exclude<FlashOperation, "roll-back"> }>;

/** Result of a flash operation. Bytes that were read are valid only until the next operation. */
export type FlashAnswer =
  | { readonly ok: true; readonly result: FlashResult }
  | { readonly ok: false; readonly espErr: number };

/**
 * Carries out one flash operation with the functions that firmware uses.
 *
 * @param target - The slot of the update. If it is `undefined`, only `mark-valid` can succeed.
 * @throws {@link PowerCut} if the flash loses power; {@link EspAbort} if the device would abort.
 */
export function carryOutFlashAction(
  app: AppContext,
  target: EspPartition | undefined,
  action: FlashAction,
): FlashAnswer {
  if (action.type === "mark-valid") return answer(markRunningValid(app), { operation: "mark-valid" });
  if (target === undefined) return { ok: false, espErr: EspErr.ESP_ERR_NOT_FOUND };
  switch (action.type) {
    case "read-flash": {
      const { err, data } = viewPartition(app, target, action.offset, action.length);
      return answer(err, { operation: "read-flash", bytes: data });
    }
    case "erase-sector":
      return answer(esp_partition_erase_range(app, target, action.offset, SECTOR_SIZE), { operation: "erase-sector" });
    case "program":
      return answer(programTarget(app, target, action), { operation: "program" });
    case "verify-image":
      return answerRead(verifyTarget(app, target, action.length));
    case "invalidate-otadata":
      return answer(invalidateInactiveEntry(app), { operation: "invalidate-otadata" });
    case "set-boot-partition":
      return answer(esp_ota_set_boot_partition(app, target), { operation: "set-boot-partition" });
  }
}

/**
 * Reads as `esp_partition_read` does, but copies nothing where the range lies within a sector: a device compares each sector
 * of its slot with the image, and a fleet would make garbage as large as all its slots.
 */
function viewPartition(
  app: AppContext,
  target: EspPartition,
  offset: number,
  length: number,
): ReturnType<typeof esp_partition_read> {
  const isOneSector =
    offset % SECTOR_SIZE === 0 && length > 0 && length <= SECTOR_SIZE && offset + length <= target.size;
  let data: Uint8Array | undefined;
  if (isOneSector && !target.encrypted) {
    app.flash.forEachSector(target.address + offset, length, (bytes) => {
      data = bytes;
    });
  }
  return data === undefined ? esp_partition_read(app, target, offset, length) : { err: EspErr.ESP_OK, data };
}

/** Confirms the running image, never another one: after a fallback, otadata selects another image's entry. */
function markRunningValid(app: AppContext): number {
  if (!isRunningSelected(app)) return EspErr.ESP_ERR_INVALID_STATE;
  return esp_ota_mark_app_valid_cancel_rollback(app);
}

/** Programs bytes of the image. On encrypted flash, pads the end of the image to a whole block with 0xFF. */
function programTarget(
  app: AppContext,
  target: EspPartition,
  { offset, bytes }: Extract<FlashAction, { readonly type: "program" }>,
): number {
  const excess = target.encrypted ? bytes.length % ENCRYPTION_BLOCK_SIZE : 0;
  if (excess === 0) return esp_partition_write(app, target, offset, bytes);
  const padded = new Uint8Array(bytes.length + ENCRYPTION_BLOCK_SIZE - excess).fill(0xff);
  padded.set(bytes);
  return esp_partition_write(app, target, offset, padded);
}

function answer(err: number, result: FlashResult): FlashAnswer {
  return err === EspErr.ESP_OK ? { ok: true, result } : { ok: false, espErr: err };
}

function answerRead(found: SlotContent | number): FlashAnswer {
  return typeof found === "number" ? { ok: false, espErr: found } : { ok: true, result: found };
}
