import { CHIPS, chipByName } from "@tinybms/ota-core";
import { expect, test } from "vitest";
import { EspErr } from "../esp-idf/esp-err.ts";
import { Efuse } from "./efuse.ts";

const esp32 = chipByName("esp32")!;

test("the secure version goes up and never down", () => {
  const efuse = new Efuse(esp32);
  expect(efuse.secureVersion).toBe(0);
  expect(efuse.updateSecureVersion(3)).toBe(EspErr.ESP_OK);
  expect(efuse.updateSecureVersion(3)).toBe(EspErr.ESP_OK);
  expect(efuse.updateSecureVersion(2)).toBe(EspErr.ESP_FAIL);
  expect(efuse.secureVersion).toBe(3);
  expect([2, 3, 4].map((version) => efuse.allowsSecureVersion(version))).toEqual([false, true, true]);
});

test.for(CHIPS)("on $name the secure version ends with its field of $secureVersionBits bits", (chip) => {
  const efuse = new Efuse(chip);
  expect(efuse.updateSecureVersion(chip.secureVersionBits + 1)).toBe(EspErr.ESP_ERR_INVALID_ARG);
  expect(efuse.secureVersion).toBe(0);
  expect(efuse.updateSecureVersion(chip.secureVersionBits)).toBe(EspErr.ESP_OK);
  expect(efuse.secureVersion).toBe(chip.secureVersionBits);
  expect(() => new Efuse(chip, { secureVersion: chip.secureVersionBits + 1 })).toThrow(RangeError);
});

test("a copy is burnt on its own", () => {
  const efuse = new Efuse(esp32, { secureVersion: 1, chipRevision: 100, disableWaferVersionMajor: true });
  const copy = efuse.copy();
  copy.updateSecureVersion(5);
  expect([efuse.secureVersion, copy.secureVersion]).toEqual([1, 5]);
  expect(copy).toMatchObject({ chipRevision: 100, disableWaferVersionMajor: true, chip: esp32 });
});
