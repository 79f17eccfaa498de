// What bites in the field, and what a bootloader and ESP-IDF's own calls do about it: nothing. The agent has to survive
// these; rows 3, 16 to 19 and 29 are further ones. R: rollback is on, r: off.

import { buildOtadataEntry, OtaImageState, otadataEntry } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { copyHardware } from "../../src/boot/boot-options.ts";
import { runBootloader } from "../../src/boot/bootloader.ts";
import { EspErr } from "../../src/esp-err/esp-err.ts";
import { esp_ota_set_boot_partition } from "../../src/esp-idf/esp-ota-boot.ts";
import {
  esp_ota_get_last_invalid_partition,
  esp_ota_get_running_partition,
  esp_ota_get_state_partition,
} from "../../src/esp-idf/esp-ota-query.ts";
import { esp_ota_mark_app_valid_cancel_rollback } from "../../src/esp-idf/esp-ota-rollback.ts";
import { esp_ota_begin, OTA_WITH_SEQUENTIAL_WRITES } from "../../src/esp-idf/esp-ota-update.ts";
import { freedBitVariants, missedBitVariants } from "../../src/flash/single-bit-tears.ts";
import { board, bootOf, entry, OTADATA_OFFSET, otadataOf, partition, start, untilPowerCut } from "../board-spec.ts";
import { R, r } from "./expect-start.ts";

const { NEW, PENDING_VERIFY, VALID, ABORTED } = OtaImageState;

// These results are selectable, but not NEW. No prefix of the write is.
test("finding 1: boots without probation in 31 of 81 cases if a write of NEW misses one bit", () => {
  // Sequence 3 selects ota_0 by sector 0; ota_1 runs by the other entry.
  const before = board({ otadata: [undefined, entry(2, VALID)] });
  const app = start(before);
  const outcomes = { old: 0, probation: 0, unprotected: 0, abortedNext: 0 };
  const variants = missedBitVariants(buildOtadataEntry(otadataEntry(3, NEW)));
  for (const variant of variants) {
    const hardware = copyHardware(before);
    hardware.flash.cutPowerAt({ operation: 2, moment: "during", variant });
    untilPowerCut(() => esp_ota_set_boot_partition({ ...app, ...hardware }, partition(app, "ota_0")));
    hardware.flash.powerOn();
    const torn = otadataOf(hardware)[0];
    const slot = bootOf(hardware);
    if (slot === 0 && otadataOf(hardware)[0] === "3:pending-verify") outcomes.probation++;
    else if (slot === 0) outcomes.unprotected++;
    else if (torn === "3:pending-verify") outcomes.abortedNext++;
    else outcomes.old++;
  }
  expect(variants).toHaveLength(81);
  // 29 states that mean nothing, and VALID. The last one, PENDING_VERIFY, is aborted before the new app ran at all.
  expect(outcomes).toEqual({ old: 50, probation: 0, unprotected: 30, abortedNext: 1 });

  for (let length = 0; length <= 32; length++) {
    const hardware = copyHardware(before);
    hardware.flash.load(OTADATA_OFFSET, buildOtadataEntry(otadataEntry(3, NEW)).subarray(0, length));
    expect(bootOf(hardware), `prefix of ${length}`).toBe(length === 32 ? 0 : 1);
  }
});

test("finding 1: selects an aborted app again in 31 of 80 cases if a write of ABORTED misses one bit", () => {
  const before = board({ otadata: [entry(3, PENDING_VERIFY), entry(2, VALID)] });
  const variants = missedBitVariants(buildOtadataEntry(otadataEntry(3, ABORTED)));
  const booted = variants.map((variant) => {
    const hardware = copyHardware(before);
    hardware.flash.cutPowerAt({ operation: 2, moment: "during", variant });
    untilPowerCut(() => runBootloader(hardware));
    hardware.flash.powerOn();
    return bootOf(hardware);
  });
  expect(booted).toHaveLength(80);
  expect(booted.filter((slot) => slot === 0)).toHaveLength(31);
});

// Nothing shows that the new image failed.
test("finding 2: loses the record of a failed image after a cut between erase and write of its entry", () => {
  const hardware = board({ otadata: [entry(1, VALID), entry(2, PENDING_VERIFY)] });
  hardware.flash.cutPowerAt({ operation: 1, moment: "after" });
  untilPowerCut(() => runBootloader(hardware));
  hardware.flash.powerOn();
  const app = start(hardware);
  expect(esp_ota_get_running_partition(app).label).toBe("ota_0");
  expect(esp_ota_get_last_invalid_partition(app)).toBeUndefined();
  expect(esp_ota_get_state_partition(app, partition(app, "ota_1"))).toEqual({ err: EspErr.ESP_ERR_NOT_FOUND });
  // Its image is still whole, so a second try verifies, selects and starts it again.
  expect(esp_ota_set_boot_partition(app, partition(app, "ota_1"))).toBe(EspErr.ESP_OK);
  expect(bootOf(hardware)).toBe(1);
});

// It uses the entry with the highest sequence, not the one of the running slot.
test("finding 3: set_boot after a fallback overwrites the entry of the running slot", () => {
  const hardware = board({ slots: [0, 1, 2], otadata: [entry(1, VALID), entry(2, VALID)], corrupt: [1] });
  const app = start(hardware);
  const running = esp_ota_get_running_partition(app);
  expect(running.label).toBe("ota_0");
  expect(esp_ota_get_state_partition(app, running)).toEqual({ err: EspErr.ESP_OK, state: VALID });
  expect(esp_ota_set_boot_partition(app, partition(app, "ota_2"))).toBe(EspErr.ESP_OK);
  expect(otadataOf(hardware)).toEqual(["3:new", "2:valid"]); // ota_2, and ota_1 that can't boot
  expect(esp_ota_get_state_partition(app, running)).toEqual({ err: EspErr.ESP_ERR_NOT_FOUND });
});

// The erase of the other entry is torn in one bit, and the aborted image has the higher sequence.
test("finding 4: makes an aborted image selectable in 31 of 80 cases if esp_ota_begin's erase is torn", () => {
  const before = board({ otadata: [entry(3, ABORTED), entry(2, VALID)] });
  const app = start(before);
  const variants = freedBitVariants(buildOtadataEntry(otadataEntry(3, ABORTED)));
  const booted = variants.map((variant) => {
    const hardware = copyHardware(before);
    hardware.flash.cutPowerAt({ operation: 1, moment: "during", variant });
    const torn = { ...app, ...hardware, otaHandles: new Map() };
    untilPowerCut(() => esp_ota_begin(torn, partition(app, "ota_0"), OTA_WITH_SEQUENTIAL_WRITES));
    hardware.flash.powerOn();
    return bootOf(hardware);
  });
  expect(booted).toHaveLength(80);
  expect(booted.filter((slot) => slot === 0)).toHaveLength(31);

  // The cure: without its first sector the resurrected image is refused.
  const hardware = copyHardware(before);
  hardware.flash.eraseSector(partition(app, "ota_0").address);
  hardware.flash.cutPowerAt({
    operation: 1,
    moment: "during",
    variant: variants.find((name) => name.endsWith("-200"))!,
  });
  untilPowerCut(() => esp_ota_begin({ ...app, ...hardware }, partition(app, "ota_0"), OTA_WITH_SEQUENTIAL_WRITES));
  hardware.flash.powerOn();
  expect(bootOf(hardware)).toBe(1);
});

// It is never PENDING_VERIFY, and boots without limit.
test("trap 1: keeps an app with rollback NEW forever on a bootloader without rollback", () => {
  const hardware = board({ otadata: [entry(1, VALID), undefined] });
  const app = start(hardware, r, { rollback: true });
  expect(esp_ota_set_boot_partition(app, partition(app, "ota_1"))).toBe(EspErr.ESP_OK);
  for (let starts = 0; starts < 3; starts++) {
    expect(bootOf(hardware, r)).toBe(1);
    expect(otadataOf(hardware)).toEqual(["1:valid", "2:new"]);
  }
});

// Its update is never undone.
test("trap 1: never puts an app without rollback on probation on a bootloader with rollback", () => {
  const hardware = board({ otadata: [entry(1, VALID), undefined] });
  const app = start(hardware, R, { rollback: false });
  expect(esp_ota_set_boot_partition(app, partition(app, "ota_1"))).toBe(EspErr.ESP_OK);
  expect(otadataOf(hardware)).toEqual(["1:valid", "2:undefined"]);
  expect([bootOf(hardware, R), bootOf(hardware, R)]).toEqual([1, 1]);
});

// It is undone even if it runs well.
test("trap 2: undoes an image that never confirms itself at the next power cycle", () => {
  const hardware = board({ otadata: [entry(1, VALID), entry(2, NEW)] });
  expect([bootOf(hardware), bootOf(hardware), bootOf(hardware)]).toEqual([1, 0, 0]);
  expect(otadataOf(hardware)).toEqual(["1:valid", "2:aborted"]);
});

// Confirming marks the broken slot, and the next update uses the other entry.
test("trap 3: can lose both records of the running app after a fallback", () => {
  const hardware = board({ slots: [0, 1, 2], otadata: [entry(1, VALID), entry(2, NEW)], corrupt: [1] });
  const app = start(hardware);
  expect(esp_ota_mark_app_valid_cancel_rollback(app)).toBe(EspErr.ESP_OK);
  expect(esp_ota_set_boot_partition(app, partition(app, "ota_2"))).toBe(EspErr.ESP_OK);
  expect(otadataOf(hardware)).toEqual(["3:new", "2:valid"]);
  hardware.flash.load(partition(app, "ota_2").address, new Uint8Array(16)); // and the update is lost
  expect(bootOf(hardware)).toBe(0); // only the search through all slots finds the app that ran
});
