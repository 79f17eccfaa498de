import { CHIPS, chipByName } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { EspErr } from "../esp-err/esp-err.ts";
import { Efuse } from "./efuse.ts";

const esp32 = chipByName("esp32")!;

test("increases the secure version and never decreases it", () => {
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

test("burns a copy independently", () => {
  const efuse = new Efuse(esp32, { secureVersion: 1, chipRevision: 100, disableWaferVersionMajor: true });
  const copy = efuse.copy();
  copy.updateSecureVersion(5);
  expect([efuse.secureVersion, copy.secureVersion]).toEqual([1, 5]);
  expect(copy).toMatchObject({ chipRevision: 100, disableWaferVersionMajor: true, chip: esp32 });
});

test("limits, revokes and copies key digests", () => {
  const digest = (byte: number) => new Uint8Array(32).fill(byte);
  const chip = chipByName("esp32c6")!;
  const efuse = new Efuse(chip, {
    secureBoot: true,
    secureBootDigests: [digest(1), digest(2), digest(3)],
    revokedDigests: [0],
    flashEncryptionKey: 5,
  });
  for (const each of [efuse, efuse.copy()]) {
    expect(each.isSecureBootOn).toBe(true);
    expect(each.hasKeyDigests).toBe(true);
    expect(each.trustedKeyDigests).toEqual([digest(2), digest(3)]);
    expect(each.flashEncryptionKey).toBe(5);
  }
  expect(new Efuse(chip).trustedKeyDigests).toEqual([]);
  const two = [digest(1), digest(2)];
  expect(() => new Efuse(chipByName("esp32")!, { secureBootDigests: two })).toThrow(/esp32 has room for 1/);
  expect(() => new Efuse(chip, { secureBootDigests: [new Uint8Array(31)] })).toThrow(/31 bytes/);
});
