// Power cuts at a known place; firmware-sim/test/otadata-power-cuts.test.ts cuts everywhere.

import { buildAppImage, OtaImageState } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { runBootloader } from "../../src/boot/bootloader.ts";
import { esp_ota_set_boot_partition } from "../../src/esp-idf/esp-ota-boot.ts";
import { esp_ota_get_running_partition } from "../../src/esp-idf/esp-ota-query.ts";
import { esp_ota_mark_app_valid_cancel_rollback } from "../../src/esp-idf/esp-ota-rollback.ts";
import {
  esp_ota_begin,
  esp_ota_write,
  OTA_SIZE_UNKNOWN,
  OTA_WITH_SEQUENTIAL_WRITES,
} from "../../src/esp-idf/esp-ota-update.ts";
import { board, bootOf, entry, otadataOf, partition, start, untilPowerCut } from "../board-spec.ts";
import { expectStart } from "./expect-start.ts";

const { NEW, PENDING_VERIFY, VALID, ABORTED, UNDEFINED } = OtaImageState;

// The old entry remains active.
test("row 28: boots the old app after a cut between erase and program of the inactive sector", () => {
  const hardware = board({ otadata: [entry(1, VALID), entry(0, ABORTED)] });
  const app = start(hardware);
  hardware.flash.cutPowerAt({ operation: 1, moment: "after" });
  untilPowerCut(() => esp_ota_set_boot_partition(app, partition(app, "ota_1")));
  hardware.flash.powerOn();
  expect(otadataOf(hardware)).toEqual(["1:valid", "blank"]);
  expect(bootOf(hardware)).toBe(0);
});

// The other entry decides, or factory, or the first slot that verifies.
test("row 29: loses the entry after a cut between erase and program of the active sector", () => {
  const confirming = board({ otadata: [entry(1, VALID), entry(2, NEW)] });
  const confirmed = start(confirming);
  expect(esp_ota_get_running_partition(confirmed).label).toBe("ota_1");
  confirming.flash.cutPowerAt({ operation: 1, moment: "after" });
  untilPowerCut(() => esp_ota_mark_app_valid_cancel_rollback(confirmed));
  confirming.flash.powerOn();
  expect(otadataOf(confirming)).toEqual(["1:valid", "blank"]); // nothing says that ota_1 was ever tried
  expect(bootOf(confirming)).toBe(0);

  const aborting = board({ factory: true, otadata: [undefined, entry(2, PENDING_VERIFY)] });
  aborting.flash.cutPowerAt({ operation: 1, moment: "after" });
  untilPowerCut(() => runBootloader(aborting));
  aborting.flash.powerOn();
  expect(bootOf(aborting)).toBe("factory");

  // esp_ota_begin erased the other entry, so that none is left.
  const reselecting = board({ otadata: [entry(1, VALID), entry(2, VALID)] });
  const app = start(reselecting);
  expect(esp_ota_begin(app, partition(app, "ota_0"), OTA_SIZE_UNKNOWN).err).toBe(0);
  expect(otadataOf(reselecting)).toEqual(["blank", "2:valid"]);
  reselecting.flash.cutPowerAt({ operation: 1, moment: "after" });
  untilPowerCut(() => esp_ota_set_boot_partition(app, partition(app, "ota_1")));
  reselecting.flash.powerOn();
  expect(bootOf(reselecting)).toBe(1); // ota_0 was erased by begin; it is tried first
  expect(otadataOf(reselecting)).toEqual(["2:valid", "blank"]);
});

// The CRC comes last. Out of order, an unknown state boots without rollback protection.
test("row 30: invalidates the entry after a cut in the 32-byte program, if it is in order", () => {
  for (const variant of ["prefix-1", "prefix-16", "prefix-half", "prefix-all-but-last"]) {
    const hardware = board({ otadata: [entry(1, VALID), undefined] });
    const app = start(hardware);
    hardware.flash.cutPowerAt({ operation: 2, moment: "during", variant });
    untilPowerCut(() => esp_ota_set_boot_partition(app, partition(app, "ota_1")));
    hardware.flash.powerOn();
    expect(bootOf(hardware), variant).toBe(0);
  }
  // Bits 16 to 23 of the state were not reached, or none was; sequence and CRC are complete.
  for (const state of [0x00ff_0000, UNDEFINED]) {
    expectStart({ otadata: [entry(1, VALID), entry(2, state)] }, { boots: 1, next: [1] });
  }
});

// otadata does not select the new slot yet. With R, the other entry may be lost.
test("row 31: boots the old app after a cut in esp_ota_begin's erase or in a write", () => {
  const erasing = board({ otadata: [entry(1, VALID), entry(2, VALID)] });
  const begun = start(erasing);
  erasing.flash.cutPowerAt({ operation: 1, moment: "during" });
  untilPowerCut(() => esp_ota_begin(begun, partition(begun, "ota_0"), OTA_SIZE_UNKNOWN));
  erasing.flash.powerOn();
  expect(otadataOf(erasing)).toEqual(["1:valid", "2:valid"]); // the slot goes first, then the other entry
  expect(bootOf(erasing)).toBe(1);

  for (const operation of [2, 3]) {
    const hardware = board({ otadata: [entry(1, VALID), entry(2, VALID)] });
    const app = start(hardware);
    hardware.flash.cutPowerAt({ operation, moment: "during", seed: operation });
    untilPowerCut(() => {
      const { handle = 0 } = esp_ota_begin(app, partition(app, "ota_0"), OTA_WITH_SEQUENTIAL_WRITES);
      esp_ota_write(app, handle, buildAppImage());
    });
    hardware.flash.powerOn();
    expect(otadataOf(hardware)).toEqual(["blank", "2:valid"]);
    expect(bootOf(hardware)).toBe(1);
  }
});
