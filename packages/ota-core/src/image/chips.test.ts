import { expect, test } from "vitest";
import { CHIPS, chipById, chipByName, chipsOfHardware, isMappedAddress } from "./chips.ts";

test("every chip is found by its id and by its name", () => {
  for (const chip of CHIPS) {
    expect(chipById(chip.id)).toBe(chip);
    expect(chipByName(chip.name)).toBe(chip);
  }
  expect(new Set(CHIPS.map(({ id }) => id)).size).toBe(13);
});

test.for([
  ["esp32", 0x0000, 0x1000],
  ["esp32s2", 0x0002, 0x1000],
  ["esp32c3", 0x0005, 0x0],
  ["esp32s3", 0x0009, 0x0],
  ["esp32c2", 0x000c, 0x0],
  ["esp32c6", 0x000d, 0x0],
  ["esp32h2", 0x0010, 0x0],
  ["esp32p4", 0x0012, 0x2000],
  ["esp32c61", 0x0014, 0x0],
  ["esp32c5", 0x0017, 0x2000],
  ["esp32h21", 0x0019, 0x0],
  ["esp32h4", 0x001c, 0x2000],
  ["esp32s31", 0x0020, 0x2000],
] as const)("%s has id %i and its bootloader at %i", ([name, id, bootloaderOffset]) => {
  expect(chipByName(name)).toMatchObject({ id, bootloaderOffset });
});

test("chips with a configurable MMU page require an app descriptor", () => {
  const names = CHIPS.filter((chip) => chip.requiresAppDescriptor).map(({ name }) => name);
  expect(names.sort()).toEqual(["esp32c2", "esp32c6", "esp32c61", "esp32h2", "esp32h21", "esp32h4", "esp32s31"]);
});

test("chips with 32-bit cache addresses have no 16 MiB limits", () => {
  const names = CHIPS.filter((chip) => chip.addresses32Bit).map(({ name }) => name);
  expect(names.sort()).toEqual(["esp32c5", "esp32c61", "esp32h4", "esp32p4", "esp32s3", "esp32s31"]);
});

test("every chip but the ESP32 checks the eFuse block revision", () => {
  expect(CHIPS.filter((chip) => !chip.checksBlockRevision).map(({ name }) => name)).toEqual(["esp32"]);
});

test("the secure version is 32 bits wide on the ESP32, 4 on the C2, 9 on the C5 and 16 elsewhere", () => {
  const widths = CHIPS.filter((chip) => chip.secureVersionBits !== 16).map((chip) => [
    chip.name,
    chip.secureVersionBits,
  ]);
  expect(Object.fromEntries(widths)).toEqual({ esp32: 32, esp32c2: 4, esp32c5: 9 });
});

test("an unknown id names no chip", () => {
  expect(chipById(0xffff)).toBeUndefined();
});

test.for(["ESP32-S3", "esp32s3", " Esp32-s3 ", "ESP32 S3"])("%j names the ESP32-S3", (name) => {
  expect(chipByName(name)?.name).toBe("esp32s3");
});

test("hardware esp32 allows the whole family", () => {
  expect(chipsOfHardware("esp32")).toBe(CHIPS);
  expect(chipsOfHardware("ESP32")).toBe(CHIPS);
});

test("hardware that names another chip allows that chip alone", () => {
  expect(chipsOfHardware("ESP32-C3")?.map(({ name }) => name)).toEqual(["esp32c3"]);
});

test.for(["", "tinybms rev B", "esp32-devkitc", "esp8266"])("hardware %j excludes no chip", (hardware) => {
  expect(chipsOfHardware(hardware)).toBeUndefined();
});

test("flash addresses are mapped, and RAM addresses and padding are not", () => {
  for (const chip of CHIPS) {
    expect(isMappedAddress(chip, chip.drom.start)).toBe(true);
    expect(isMappedAddress(chip, chip.irom.end - 1)).toBe(true);
    expect(isMappedAddress(chip, chip.irom.end)).toBe(false);
    expect(isMappedAddress(chip, chip.dram.start)).toBe(false);
    expect(isMappedAddress(chip, 0)).toBe(false);
  }
  expect(isMappedAddress(CHIPS.find(({ name }) => name === "esp32p4")!, 0x4800_0000)).toBe(true);
});
