// A: CONFIG_BOOTLOADER_APP_ANTI_ROLLBACK in bootloader and app.

import { buildAppImage, OtaImageState } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { EspErr } from "../../src/esp-err/esp-err.ts";
import { esp_ota_set_boot_partition } from "../../src/esp-idf/esp-ota-boot.ts";
import { esp_ota_get_running_partition } from "../../src/esp-idf/esp-ota-query.ts";
import {
  esp_ota_check_rollback_is_possible,
  esp_ota_mark_app_invalid_rollback_and_reboot,
  esp_ota_mark_app_valid_cancel_rollback,
} from "../../src/esp-idf/esp-ota-rollback.ts";
import {
  esp_ota_begin,
  esp_ota_end,
  esp_ota_write,
  OTA_WITH_SEQUENTIAL_WRITES,
} from "../../src/esp-idf/esp-ota-update.ts";
import { type BoardSpec, board, bootOf, entry, otadataOf, partition, SLOT_SIZE, start } from "../board-spec.ts";
import { A } from "./expect-start.ts";

const { NEW, VALID } = OtaImageState;
const secure = (version: number) => ({ secureVersion: version });

// The end is OK. set_boot erases the slot and returns 0x1504. The bootloader never selects such an entry or slot.
test("row 42: rejects a secure version below the eFuse's with A", () => {
  const spec: BoardSpec = {
    efuse: { secureVersion: 2 },
    images: new Map([
      [0, secure(2)],
      [1, secure(1)],
    ]),
  };
  const hardware = board({ ...spec, otadata: [entry(1, VALID), undefined] });
  const app = start(hardware, A);
  const slot = partition(app, "ota_1");
  const { handle = 0 } = esp_ota_begin(app, slot, OTA_WITH_SEQUENTIAL_WRITES);
  esp_ota_write(app, handle, buildAppImage(secure(1)));
  expect(esp_ota_end(app, handle)).toBe(EspErr.ESP_OK);
  expect(esp_ota_set_boot_partition(app, slot)).toBe(0x1504);
  expect(hardware.flash.truth(slot.address, SLOT_SIZE).every((byte) => byte === 0xff)).toBe(true);
  expect(bootOf(board({ ...spec, otadata: [entry(1, VALID), entry(2, VALID)] }), A)).toBe(0);
  expect(bootOf(board({ ...spec, empty: [0] }), A)).toBe("no-bootable-app");
});

// The eFuse is unchanged until mark_valid or the next boot with state VALID. Then the old slot can't boot, and
// rollback returns 0x1505.
test("row 43: burns a higher secure version only when the new app is confirmed, with A", () => {
  const hardware = board({ otadata: [entry(1, VALID), entry(2, NEW)], images: new Map([[1, secure(3)]]) });
  const app = start(hardware, A);
  expect(hardware.efuse.secureVersion).toBe(0);
  expect(esp_ota_check_rollback_is_possible(app)).toBe(true);
  expect(esp_ota_mark_app_valid_cancel_rollback(app)).toBe(EspErr.ESP_OK);
  expect(hardware.efuse.secureVersion).toBe(3);
  expect(esp_ota_mark_app_invalid_rollback_and_reboot(app).err).toBe(0x1505);

  const valid = board({ otadata: [undefined, entry(2, VALID)], images: new Map([[1, secure(3)]]) });
  expect(bootOf(valid, A)).toBe(1);
  expect(valid.efuse.secureVersion).toBe(3);
  valid.flash.load(0x20000, new Uint8Array(16)); // ota_1 is gone, and ota_0 too old
  expect(bootOf(valid, A)).toBe("no-bootable-app");
});

// set_boot is OK. mark_valid returns 0x102, although otadata is VALID.
test("row 44: boots a secure version beyond the field's width with A, and fails to burn it", () => {
  const hardware = board({ otadata: [entry(1, VALID), undefined], images: new Map([[1, secure(33)]]) });
  const app = start(hardware, A);
  expect(esp_ota_set_boot_partition(app, partition(app, "ota_1"))).toBe(EspErr.ESP_OK);
  const updated = start(hardware, A);
  expect(esp_ota_get_running_partition(updated).label).toBe("ota_1");
  expect(esp_ota_mark_app_valid_cancel_rollback(updated)).toBe(EspErr.ESP_ERR_INVALID_ARG);
  expect(otadataOf(hardware)).toEqual(["1:valid", "2:valid"]);
});
