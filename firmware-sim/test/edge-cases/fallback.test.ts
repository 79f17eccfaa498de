// What happens once the bootloader starts another app than the one selected. R: rollback is on, r: off.

import { buildAppImage, OtaImageState } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { EspErr } from "../../src/esp-err/esp-err.ts";
import { esp_ota_get_boot_partition, esp_ota_set_boot_partition } from "../../src/esp-idf/esp-ota-boot.ts";
import { esp_ota_get_running_partition, esp_ota_get_state_partition } from "../../src/esp-idf/esp-ota-query.ts";
import {
  esp_ota_check_rollback_is_possible,
  esp_ota_mark_app_valid_cancel_rollback,
} from "../../src/esp-idf/esp-ota-rollback.ts";
import { esp_ota_begin, esp_ota_end, esp_ota_write, OTA_SIZE_UNKNOWN } from "../../src/esp-idf/esp-ota-update.ts";
import { board, bootOf, entry, otadataOf, partition, start } from "../board-spec.ts";
import { expectStart, r } from "./expect-start.ts";

const { NEW, VALID, UNDEFINED } = OtaImageState;

/** Row 16's device: ota_1 was selected and is corrupt, ota_0 runs. */
const afterFallback = () => {
  const hardware = board({ otadata: [entry(1, VALID), entry(2, NEW)], corrupt: [1] });
  return { hardware, app: start(hardware) };
};

// PENDING_VERIFY is written, and the slot is rejected. The next reset makes the entry ABORTED.
test("row 16: boots a lower slot if the selected image is corrupt, and aborts its NEW entry, with R", () => {
  const hardware = expectStart(
    { otadata: [entry(1, VALID), entry(2, NEW)], corrupt: [1] },
    { boots: 0, otadata: ["1:valid", "2:pending-verify"] },
  );
  expect(bootOf(hardware)).toBe(0);
  expect(otadataOf(hardware)).toEqual(["1:valid", "2:aborted"]);
});

// After row 16: it marks the active entry, which is not that of the running slot.
test("row 17: mark_app_valid after a fallback confirms the entry of the corrupt slot", () => {
  const { hardware, app } = afterFallback();
  expect(esp_ota_get_running_partition(app).label).toBe("ota_0");
  expect(esp_ota_mark_app_valid_cancel_rollback(app)).toBe(EspErr.ESP_OK);
  expect(otadataOf(hardware)).toEqual(["1:valid", "2:valid"]);
});

// After row 16: begin on the corrupt slot is allowed.
test("row 18: get_state after a fallback returns 0x105 or the other entry's state", () => {
  const { app } = afterFallback();
  const running = esp_ota_get_running_partition(app);
  expect(esp_ota_get_state_partition(app, running)).toEqual({ err: EspErr.ESP_OK, state: VALID });
  expect(esp_ota_begin(app, partition(app, "ota_1"), OTA_SIZE_UNKNOWN)).toMatchObject({ err: EspErr.ESP_OK });

  const unrecorded = start(board({ otadata: [undefined, entry(2, NEW)], corrupt: [1] }));
  const state = esp_ota_get_state_partition(unrecorded, esp_ota_get_running_partition(unrecorded));
  expect(state).toEqual({ err: EspErr.ESP_ERR_NOT_FOUND });
});

// The order is k − 1 to 0, factory, k + 1 and up, test. otadata is unchanged, every boot tries again, and get_boot is
// not get_running.
test("row 19: tries lower slots, factory, higher slots and test if slot k is corrupt, with r", () => {
  const spec = { factory: true, test: true, slots: [0, 1, 2], otadata: [entry(2, UNDEFINED), undefined] } as const;
  expectStart({ ...spec, corrupt: [1] }, { options: r, boots: 0, next: [0] });
  expectStart({ ...spec, corrupt: [0, 1] }, { options: r, boots: "factory", next: ["factory"] });
  expectStart({ ...spec, corrupt: [0, 1, "factory"] }, { options: r, boots: 2, next: [2] });
  expectStart({ ...spec, corrupt: [0, 1, 2, "factory"] }, { options: r, boots: "test", next: ["test"] });

  const app = start(board({ otadata: [entry(2, UNDEFINED), undefined], corrupt: [1] }), r);
  expect(esp_ota_get_boot_partition(app)?.label).toBe("ota_1");
  expect(esp_ota_get_running_partition(app).label).toBe("ota_0");
});

// The app's calls return 0x105, NULL and false. Updates can still be written.
test("row 21: boots factory or the lowest slot without otadata, and never writes", () => {
  expectStart({ factory: true, otadataSize: 0 }, { boots: "factory" });
  expectStart({ otadataSize: 0, corrupt: [0] }, { boots: 1, next: [1] });

  const app = start(board({ otadataSize: 0 }));
  const [running, other] = [partition(app, "ota_0"), partition(app, "ota_1")];
  expect(esp_ota_set_boot_partition(app, other)).toBe(EspErr.ESP_ERR_NOT_FOUND);
  expect(esp_ota_get_boot_partition(app)).toBeUndefined();
  expect(esp_ota_mark_app_valid_cancel_rollback(app)).toBe(EspErr.ESP_ERR_NOT_FOUND);
  expect(esp_ota_get_state_partition(app, running)).toEqual({ err: EspErr.ESP_ERR_NOT_FOUND });
  expect(esp_ota_check_rollback_is_possible(app)).toBe(false);
  const { err, handle = 0 } = esp_ota_begin(app, other, OTA_SIZE_UNKNOWN);
  expect(err).toBe(EspErr.ESP_OK);
  expect(esp_ota_write(app, handle, buildAppImage())).toBe(EspErr.ESP_OK);
  expect(esp_ota_end(app, handle)).toBe(EspErr.ESP_OK);
});
