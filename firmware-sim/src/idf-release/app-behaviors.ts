import type { BehaviorRow } from "./behavior-row.ts";

/** Rows of {@link APP_BEHAVIORS} for functions that some releases lack. */
export type AppCall = "hasOtaResume" | "hasSetFinalPartition" | "hasInvalidateInactiveSlot" | "hasSetBootSkipValidate";

/** Name of a row of {@link APP_BEHAVIORS}. */
export type AppBehavior =
  | AppCall
  | "rewritesActiveEntryInPlace"
  | "beginInvalidatesInactiveEntry"
  | "beginTakesDataPartitions"
  | "beginOpensHandleBeforeErase"
  | "refusesSlotInProgress"
  | "resumeRefusesWhilePending"
  | "refusesShortFirstSegment"
  | "honorsReadOnlyFlag"
  | "checksMagicAlways"
  | "verifiesLongFirstSegment";

/** Differences between releases in `esp_ota_*`, `esp_image_*` and `esp_partition_*`. */
export const APP_BEHAVIORS: Readonly<Record<AppBehavior, BehaviorRow>> = {
  hasOtaResume: addedCall("esp_ota_resume", ["5.3.3", "5.4.2", "5.5"]),
  hasSetFinalPartition: addedCall("esp_ota_set_final_partition", ["5.5"]),
  hasInvalidateInactiveSlot: addedCall("esp_ota_invalidate_inactive_ota_data_slot", ["5.5"]),
  hasSetBootSkipValidate: addedCall("esp_ota_set_boot_partition_skip_validate", ["6.2-dev"]),
  rewritesActiveEntryInPlace: {
    call: "esp_ota_set_boot_partition",
    since: ["6.0"],
    before: "for the active slot, writes the other otadata sector with the same sequence",
    after: "for the active slot, rewrites the sector of its entry in place",
    judge: "vectors",
  },
  beginInvalidatesInactiveEntry: {
    call: "esp_ota_begin",
    since: ["5.5"],
    before: "does not change otadata",
    after: "with rollback, erases the inactive otadata entry",
    judge: "vectors",
  },
  beginTakesDataPartitions: {
    call: "esp_ota_begin, esp_ota_resume",
    since: ["5.5"],
    before: "returns 0x102 for a partition that is not an OTA slot",
    after: "also accepts data partitions, bootloader and partition table",
    judge: "vectors",
  },
  beginOpensHandleBeforeErase: {
    call: "esp_ota_begin",
    since: ["5.3.3", "5.4.2", "5.5"],
    before: "opens no handle if erasing fails",
    after: "opens the handle before erasing, so it stays open if erasing fails",
    judge: "vectors",
  },
  refusesSlotInProgress: {
    call: "esp_ota_begin, esp_ota_resume",
    since: ["6.1"],
    before: "opens a second handle for a slot that is being written",
    after: "returns 0x1507 for a slot that is being written",
    judge: "vectors",
  },
  resumeRefusesWhilePending: {
    call: "esp_ota_resume",
    since: ["6.2-dev"],
    before: "continues while the running app is unconfirmed",
    after: "returns 0x1506 while the running app is unconfirmed",
    judge: "vectors",
  },
  refusesShortFirstSegment: {
    call: "esp_image_verify, esp_image_get_metadata",
    since: ["6.2-dev"],
    before: "accepts a first segment that is shorter than the app descriptor",
    after: "returns 0x2002 for a first segment that is shorter than the app descriptor",
    judge: "vectors",
  },
  honorsReadOnlyFlag: {
    call: "esp_partition_write, esp_partition_erase_range",
    since: ["5.2"],
    before: "writes to a partition that the table marks as read-only",
    after: "returns 0x10D for a partition that the table marks as read-only",
    judge: "vectors",
  },
  checksMagicAlways: {
    call: "esp_image_get_metadata; a bootloader that skips validation",
    since: ["6.2-dev"],
    before: "without validation, accepts any bytes as an image header",
    after: "returns 0x2002 for a first byte other than 0xE9",
    judge: "vectors",
  },
  verifiesLongFirstSegment: {
    call: "esp_image_verify with anti-rollback, in bootloader and app",
    since: ["5.5.5", "6.0.2", "6.1"],
    before: "aborts on an image whose first segment claims more than the free pages of the MMU",
    after: "verifies such an image",
    judge: "vectors",
  },
};

function addedCall(call: string, since: readonly string[]): BehaviorRow {
  return { call, since, before: "does not exist", after: "exists", judge: "vectors" };
}
