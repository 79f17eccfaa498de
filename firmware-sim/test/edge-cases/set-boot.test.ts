// esp_ota_set_boot_partition and the arithmetic of sequence numbers. R: rollback is on, r: off.

import { OtaImageState } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { EspErr } from "../../src/esp-err/esp-err.ts";
import { esp_ota_set_boot_partition } from "../../src/esp-idf/esp-ota-boot.ts";
import { esp_ota_get_running_partition } from "../../src/esp-idf/esp-ota-query.ts";
import { board, bootOf, entry, OTADATA_OFFSET, otadataOf, partition, start } from "../board-spec.ts";
import { expectStart, R, r } from "./expect-start.ts";

const { VALID } = OtaImageState;

// set_boot writes FFFFFFFF with CRC 2144DF1C and returns OK, but that entry counts as blank.
test("row 8: boots the old slot after set_boot from sequence FFFFFFFE", () => {
  const hardware = board({ otadata: [entry(0xffff_fffe, VALID), undefined] });
  const app = start(hardware);
  expect(esp_ota_get_running_partition(app).label).toBe("ota_1");
  expect(esp_ota_set_boot_partition(app, partition(app, "ota_0"))).toBe(EspErr.ESP_OK);
  expect(hardware.flash.truth(OTADATA_OFFSET + 0x1000, 4)).toEqual(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
  expect(hardware.flash.truth(OTADATA_OFFSET + 0x101c, 4)).toEqual(Uint8Array.of(0x1c, 0xdf, 0x44, 0x21)); // CRC
  expect(bootOf(hardware)).toBe(1);
});

test("row 23: uses the first two sectors of a larger otadata, and set_boot(factory) erases all", () => {
  expectStart({ otadataSize: 0x3000, otadata: [entry(1, VALID), entry(2, VALID)] }, { boots: 1 });
  const hardware = board({ factory: true, otadataSize: 0x3000, otadata: [entry(1, VALID), undefined] });
  const app = start(hardware);
  expect(esp_ota_set_boot_partition(app, partition(app, "factory"))).toBe(EspErr.ESP_OK);
  expect([0, 1, 2].map((sector) => hardware.flash.wear(OTADATA_OFFSET / 4096 + sector))).toEqual([1, 1, 1]);
});

// It returns 0x1503 for an invalid image.
test("row 25: set_boot(factory) verifies the image, then erases all of otadata", () => {
  const good = board({ factory: true, otadata: [entry(1, VALID), entry(2, VALID)] });
  const app = start(good);
  expect(esp_ota_set_boot_partition(app, partition(app, "factory"))).toBe(EspErr.ESP_OK);
  expect(otadataOf(good)).toEqual(["blank", "blank"]);
  expect(bootOf(good)).toBe("factory");

  const bad = board({ factory: true, otadata: [entry(1, VALID), undefined], corrupt: ["factory"] });
  const other = start(bad);
  expect(esp_ota_set_boot_partition(other, partition(other, "factory"))).toBe(0x1503);
  expect(otadataOf(bad)).toEqual(["1:valid", "blank"]);
});

test("row 26: set_boot(test) verifies the image, then selects ota_0", () => {
  const hardware = board({ test: true, otadata: [entry(2, VALID), undefined] });
  const app = start(hardware);
  expect(esp_ota_set_boot_partition(app, partition(app, "test"))).toBe(EspErr.ESP_OK);
  expect(otadataOf(hardware)).toEqual(["2:valid", "3:new"]);
  expect(bootOf(hardware)).toBe(0);

  const corrupt = start(board({ test: true, otadata: [entry(2, VALID), undefined], corrupt: ["test"] }));
  expect(esp_ota_set_boot_partition(corrupt, partition(corrupt, "test"))).toBe(0x1503);
});

// The state is NEW with R, and UNDEFINED with r.
test("row 27: set_boot of the active slot rewrites its sector with the same sequence", () => {
  for (const [options, state] of [
    [R, "new"],
    [r, "undefined"],
  ] as const) {
    const hardware = board({ otadata: [entry(1, VALID), undefined] });
    const app = start(hardware, options);
    expect(esp_ota_set_boot_partition(app, partition(app, "ota_0"))).toBe(EspErr.ESP_OK);
    expect(otadataOf(hardware)).toEqual([`1:${state}`, "blank"]);
  }
});

// With R and without confirmation, ota_1 boots at the second reset.
test("row 64: loses the VALID record if set_boot(ota_1) and set_boot(ota_0) follow without a reset", () => {
  const hardware = board({ otadata: [entry(1, VALID), undefined] });
  const app = start(hardware);
  expect(esp_ota_set_boot_partition(app, partition(app, "ota_1"))).toBe(EspErr.ESP_OK);
  expect(otadataOf(hardware)).toEqual(["1:valid", "2:new"]);
  expect(esp_ota_set_boot_partition(app, partition(app, "ota_0"))).toBe(EspErr.ESP_OK);
  expect(otadataOf(hardware)).toEqual(["3:new", "2:new"]);
  expect(bootOf(hardware)).toBe(0);
  expect(otadataOf(hardware)).toEqual(["3:pending-verify", "2:new"]);
  expect(bootOf(hardware)).toBe(1);
  expect(otadataOf(hardware)).toEqual(["3:aborted", "2:pending-verify"]);
});

test("alternates the sectors and increases the sequence numbers as in section 4.4", () => {
  const hardware = board({ factory: true });
  const app = start(hardware);
  const select = (label: string) => {
    expect(esp_ota_set_boot_partition(app, partition(app, label))).toBe(EspErr.ESP_OK);
    return otadataOf(hardware);
  };
  expect(select("ota_0")).toEqual(["1:new", "blank"]);
  expect(select("ota_1")).toEqual(["1:new", "2:new"]);
  expect(select("ota_0")).toEqual(["3:new", "2:new"]);
  expect(select("ota_0")).toEqual(["3:new", "2:new"]);

  const three = start(board({ slots: [0, 1, 2], otadata: [entry(1, VALID), undefined] }));
  expect(esp_ota_set_boot_partition(three, partition(three, "ota_2"))).toBe(EspErr.ESP_OK);
  expect(otadataOf(three)).toEqual(["1:valid", "3:new"]);

  const single = start(board({ slots: [0], otadata: [entry(7, VALID), undefined] }));
  expect(esp_ota_set_boot_partition(single, partition(single, "ota_0"))).toBe(EspErr.ESP_OK);
  expect(otadataOf(single)).toEqual(["7:new", "blank"]);
});
