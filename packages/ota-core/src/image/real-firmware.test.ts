import { existsSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { sha256 } from "../sha256.ts";
import { buildAppDescriptor } from "./app-descriptor.ts";
import { assertAppImage, verifyAppImage } from "./app-image.ts";
import { buildAppImageHeader } from "./app-image-header.ts";
import { createAppImageScanner, parseAppImage } from "./app-image-scanner.ts";
import { chipById } from "./chips.ts";
import { buildOtadataEntry, otaSlotOfSequence, parseOtadata } from "./otadata.ts";
import { formatPartitionCsv, parsePartitionCsv } from "./partition-csv.ts";
import { AppSubtype, DataSubtype, PartitionType } from "./partition-names.ts";
import { buildPartitionTable, findPartition, otaSlots, parsePartitionTable } from "./partition-table.ts";

// Published builds of WLED, kept beside the project; TINYBMS_FIRMWARE names another place.
const folder = process.env.TINYBMS_FIRMWARE
  ? pathToFileURL(`${process.env.TINYBMS_FIRMWARE}/`)
  : new URL("../../../../../shared/firmware/", import.meta.url);
const isAbsent = !existsSync(folder);
const reason = isAbsent ? " (skipped: no firmware beside the project)" : "";

function read(file: string): Uint8Array {
  return Uint8Array.from(readFileSync(new URL(file, folder)));
}

test.skipIf(isAbsent).for([
  ["0.14.3/WLED_0.14.3_ESP32.bin", "esp32"],
  ["0.14.3/WLED_0.14.3_ESP32-C3.bin", "esp32c3"],
  ["0.14.3/WLED_0.14.3_ESP32-S3_8MB.bin", "esp32s3"],
  ["0.14.4/WLED_0.14.4_ESP32.bin", "esp32"],
  ["0.14.4/WLED_0.14.4_ESP32-C3.bin", "esp32c3"],
  ["0.14.4/WLED_0.14.4_ESP32-S3_8MB.bin", "esp32s3"],
] as const)(`%s is an app for the %s and verifies${reason}`, ([file, chip]) => {
  const bytes = read(file);
  const image = parseAppImage(bytes);
  verifyAppImage(image);
  assertAppImage(image);
  expect(chipById(image.header.chipId)?.name).toBe(chip);
  expect(image).toMatchObject({
    imageSize: bytes.length,
    trailingSize: 0,
    appendedHash: { offset: bytes.length - 32 },
  });
  expect(image.descriptor.projectName).toBe(chip === "esp32" ? "esp32-arduino-lib-builder" : "arduino-lib-builder");

  expect(buildAppImageHeader(image.header)).toEqual(bytes.slice(0, 24));
  expect(buildAppDescriptor(image.descriptor)).toEqual(bytes.slice(32, 288));
});

test.skipIf(isAbsent)(`reports the same for a scan in pieces of 4000 bytes as for one piece${reason}`, () => {
  const bytes = read("0.14.4/WLED_0.14.4_ESP32.bin");
  const scanner = createAppImageScanner();
  for (let offset = 0; offset < bytes.length; offset += 4000) scanner.push(bytes.subarray(offset, offset + 4000));
  expect(scanner.finish()).toEqual({
    image: parseAppImage(bytes),
    fileSize: bytes.length,
    fileSha256: sha256(bytes),
  });
});

test.skipIf(isAbsent).for([
  ["boot/bootloader_s2.bin", 0, "esp32s2"],
  ["boot/bootloader_s3.bin", 0, "esp32s3"],
  ["boot/esp32_bootloader_v4.bin", 0x1000, "esp32"], // a merged image from flash offset 0
  ["boot/esp32-c3_bootloader_v2.bin", 0, "esp32c3"], // likewise
] as const)(`%s holds at %i a bootloader for the %s, which is no app${reason}`, ([file, offset, chip]) => {
  const image = parseAppImage(read(file).subarray(offset));
  verifyAppImage(image);
  expect(chipById(image.header.chipId)).toMatchObject({ name: chip });
  expect(image.descriptor).toBeUndefined();
  expect(() => assertAppImage(image)).toThrow("this is a bootloader, or an image of another kind");
});

test.skipIf(isAbsent).for([
  ["boot/partitions_s2_4m.bin", 0],
  ["boot/partitions_c3_4m.bin", 0],
  ["boot/partitions_s3_8m.bin", 0],
  ["boot/esp32_bootloader_v4.bin", 0x8000],
  ["boot/esp32-c3_bootloader_v2.bin", 0x8000],
] as const)(`%s holds at %i a partition table that is built back to itself${reason}`, ([file, offset]) => {
  const bytes = read(file).slice(offset, offset + 3072);
  const table = parsePartitionTable(bytes);
  expect(table.md5).toBe("valid");
  expect(buildPartitionTable(table)).toEqual(bytes);
  expect(parsePartitionCsv(formatPartitionCsv(table))).toEqual(table);
});

test.skipIf(isAbsent)(`the slots of the 8 MB table count by subtype, not by label${reason}`, () => {
  const table = parsePartitionTable(read("boot/partitions_s3_8m.bin"));
  expect(otaSlots(table)).toEqual([
    { label: "app0", type: 0, subtype: 0x10, offset: 0x1_0000, size: 0x20_0000, flags: 0 },
    { label: "app1", type: 0, subtype: 0x11, offset: 0x21_0000, size: 0x20_0000, flags: 0 },
  ]);
  expect(findPartition(table, PartitionType.DATA, DataSubtype.COREDUMP)?.offset).toBe(0x7f_0000);
  expect(findPartition(table, PartitionType.APP, AppSubtype.FACTORY)).toBeUndefined();
});

test.skipIf(isAbsent)(
  `Arduino's otadata selects ota_0 by its first sector; its second is valid and older${reason}`,
  () => {
    const bytes = read("boot/boot_app0.bin");
    const { entries, active } = parseOtadata(bytes);
    expect(active).toBe(0);
    expect(entries.map(({ sequence }) => sequence)).toEqual([1, 0]);
    expect(otaSlotOfSequence(entries[0].sequence, 2)).toBe(0);
    expect(buildOtadataEntry(entries[0])).toEqual(bytes.slice(0, 32));
    expect(buildOtadataEntry(entries[1])).toEqual(bytes.slice(4096, 4128));
  },
);
