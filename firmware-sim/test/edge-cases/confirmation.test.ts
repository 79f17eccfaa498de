// mark_app_valid, mark_app_invalid, and what can be updated. R: rollback is on, A: anti-rollback is on.

import { OtaImageState } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { EspErr } from "../../src/esp-err/esp-err.ts";
import { esp_ota_get_next_update_partition, esp_ota_get_running_partition } from "../../src/esp-idf/esp-ota-query.ts";
import {
  esp_ota_mark_app_invalid_rollback_and_reboot,
  esp_ota_mark_app_valid_cancel_rollback,
} from "../../src/esp-idf/esp-ota-rollback.ts";
import { esp_ota_begin, OTA_SIZE_UNKNOWN } from "../../src/esp-idf/esp-ota-update.ts";
import { board, bootOf, entry, otadataOf, partition, start } from "../board-spec.ts";
import { A, expectStart, R } from "./expect-start.ts";

const { NEW, VALID, INVALID } = OtaImageState;

test("row 24: boots factory if all entries are INVALID, and mark_app_valid returns −1 there", () => {
  const hardware = expectStart(
    { factory: true, otadata: [entry(1, INVALID), entry(2, INVALID)] },
    { boots: "factory", next: ["factory"] },
  );
  expect(esp_ota_mark_app_valid_cancel_rollback(start(hardware))).toBe(EspErr.ESP_FAIL);
});

// From factory or a fallback slot it is allowed.
test("row 32: begin returns 0x1506 while the running slot is PENDING_VERIFY, with R", () => {
  const pending = start(board({ otadata: [entry(1, NEW), undefined] }));
  expect(esp_ota_begin(pending, partition(pending, "ota_1"), OTA_SIZE_UNKNOWN)).toEqual({ err: 0x1506 });
  const factory = start(board({ factory: true }));
  expect(esp_ota_begin(factory, partition(factory, "ota_1"), OTA_SIZE_UNKNOWN).err).toBe(EspErr.ESP_OK);
  const fallback = start(board({ otadata: [entry(1, VALID), entry(2, NEW)], corrupt: [1] }));
  expect(esp_ota_begin(fallback, partition(fallback, "ota_1"), OTA_SIZE_UNKNOWN).err).toBe(EspErr.ESP_OK);
});

// The next reset makes the entry ABORTED.
test("row 45: mark_invalid returns 0x1505 without an alternative, and keeps PENDING_VERIFY", () => {
  const hardware = board({ otadata: [entry(1, NEW), undefined], empty: [1] });
  const app = start(hardware);
  expect(esp_ota_mark_app_invalid_rollback_and_reboot(app)).toEqual({ err: 0x1505, restart: false });
  expect(otadataOf(hardware)).toEqual(["1:pending-verify", "blank"]);
  expect(bootOf(hardware)).toBe(0);
  expect(otadataOf(hardware)).toEqual(["1:aborted", "blank"]);
});

// With A, it returns 0x1505.
test("row 46: mark_invalid writes INVALID and boots factory if the other entry is blank", () => {
  const spec = { factory: true, otadata: [entry(1, NEW), undefined] } as const;
  const hardware = board(spec);
  const app = start(hardware, R);
  expect(esp_ota_get_running_partition(app).label).toBe("ota_0");
  expect(esp_ota_mark_app_invalid_rollback_and_reboot(app)).toEqual({ err: EspErr.ESP_OK, restart: true });
  expect(otadataOf(hardware)).toEqual(["1:invalid", "blank"]);
  expect(bootOf(hardware, R)).toBe("factory");

  const anti = board(spec);
  expect(esp_ota_mark_app_invalid_rollback_and_reboot(start(anti, A))).toEqual({ err: 0x1505, restart: false });
  expect(otadataOf(anti)).toEqual(["1:pending-verify", "blank"]);
});

test("row 47: mark_valid returns OK without a flash operation when called again", () => {
  const hardware = board({ otadata: [entry(1, VALID), entry(2, NEW)] });
  const app = start(hardware);
  expect(esp_ota_mark_app_valid_cancel_rollback(app)).toBe(EspErr.ESP_OK);
  expect(otadataOf(hardware)).toEqual(["1:valid", "2:valid"]);
  const operations = hardware.flash.operationCount;
  expect(esp_ota_mark_app_valid_cancel_rollback(app)).toBe(EspErr.ESP_OK);
  expect(hardware.flash.operationCount).toBe(operations);
});

// With factory and ota_0, running ota_0. begin on it returns 0x1501.
test("row 48: get_next_update_partition returns the running slot if it is the only one", () => {
  const app = start(board({ factory: true, slots: [0], otadata: [entry(1, VALID), undefined] }));
  const next = esp_ota_get_next_update_partition(app);
  expect(next?.label).toBe("ota_0");
  expect(esp_ota_begin(app, next, OTA_SIZE_UNKNOWN)).toEqual({ err: 0x1501 });
});
