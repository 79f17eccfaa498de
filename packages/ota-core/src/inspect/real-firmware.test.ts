import { existsSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { buildFlash } from "../../test/build-flash-dump.ts";
import { inspectImage } from "./inspect-image.ts";
import type { Inspection } from "./inspection.ts";

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
  ["0.14.3/WLED_0.14.3_ESP32.bin", { type: "app-image", valid: true, chip: "esp32" }],
  ["0.14.3/WLED_0.14.3_ESP32-C3.bin", { type: "app-image", valid: true, chip: "esp32c3" }],
  ["0.14.3/WLED_0.14.3_ESP32-S3_8MB.bin", { type: "app-image", valid: true, chip: "esp32s3" }],
  ["0.14.4/WLED_0.14.4_ESP32.bin", { type: "app-image", valid: true, chip: "esp32" }],
  ["0.14.4/WLED_0.14.4_ESP32-C3.bin", { type: "app-image", valid: true, chip: "esp32c3" }],
  ["0.14.4/WLED_0.14.4_ESP32-S3_8MB.bin", { type: "app-image", valid: true, chip: "esp32s3" }],
  ["boot/bootloader_s2.bin", { type: "bootloader", valid: true, chip: "esp32s2" }],
  ["boot/bootloader_s3.bin", { type: "bootloader", valid: true, chip: "esp32s3", flashSize: 8 * 1024 * 1024 }],
  ["boot/partitions_c3_4m.bin", { type: "partition-table", valid: true, updatable: true, flashSize: 4 * 1024 * 1024 }],
  ["boot/partitions_s2_4m.bin", { type: "partition-table", valid: true, updatable: true, flashSize: 4 * 1024 * 1024 }],
  ["boot/partitions_s3_8m.bin", { type: "partition-table", valid: true, updatable: true, flashSize: 8 * 1024 * 1024 }],
  ["boot/boot_app0.bin", { type: "otadata", valid: true, active: 0 }],
  [
    "boot/esp32_bootloader_v4.bin",
    { type: "flash", valid: true, chip: "esp32", bootloaderOffset: 0x1000, boot: "app0" },
  ],
  // Its NVS has one good page, and behind it pages of something else.
  [
    "boot/esp32-c3_bootloader_v2.bin",
    { type: "flash", valid: false, chip: "esp32c3", bootloaderOffset: 0, boot: "app0" },
  ],
] as const)(`identifies %s as %o${reason}`, ([file, expected]) => {
  expect(inspectImage(read(file))).toMatchObject(expected);
});

test.skipIf(isAbsent)(
  `reads the NVS of a published image: namespaces of Wi-Fi, PHY and the app, nothing damaged${reason}`,
  () => {
    const inspection = inspectImage(read("boot/esp32_bootloader_v4.bin").subarray(0x9000, 0xe000), {
      showSecrets: true,
    });
    if (inspection.type !== "nvs") throw new Error(`it is called ${inspection.type}`);
    expect(inspection.problems).toEqual([]);
    expect(inspection.namespaces.map(({ name }) => name)).toEqual([
      "eeprom",
      "misc",
      "nvs.net80211",
      "phy",
      "dhcp_state",
    ]);
    const value = (key: string) => inspection.entries.find((entry) => entry.key === key);
    expect(value("cal_version")).toMatchObject({ namespace: "phy", type: "u32", value: 4660 });
    expect(value("sta.minrssi")).toMatchObject({ namespace: "nvs.net80211", type: "i8", value: -127 });
    expect(value("eeprom")).toMatchObject({ type: "blob", size: 2560 });
  },
);

test.skipIf(isAbsent)(`inspects a whole 8 MB flash of bootloader, table, otadata and two apps${reason}`, () => {
  const flash = buildFlash(0x80_0000, {
    0: read("boot/bootloader_s3.bin"),
    32768: read("boot/partitions_s3_8m.bin"),
    57344: read("boot/boot_app0.bin"),
    65536: read("0.14.3/WLED_0.14.3_ESP32-S3_8MB.bin"),
    2162688: read("0.14.4/WLED_0.14.4_ESP32-S3_8MB.bin"),
  });
  expect(inspectImage(flash)).toMatchObject({
    type: "flash",
    valid: true,
    chip: "esp32s3",
    boot: "app0",
    partitions: [
      { label: "nvs", erased: true },
      { label: "otadata", contents: { active: 0, entries: [{ slot: 0 }, { slot: 1 }] } },
      { label: "app0", contents: { type: "app-image", valid: true, trailing: "erased" } },
      { label: "app1", contents: { type: "app-image", valid: true } },
      { label: "spiffs", erased: true, contents: null },
      { label: "coredump", erased: true, contents: null },
    ],
  });
});

/** Numbers that look random and are the same in every run (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return (value ^ (value >>> 14)) >>> 0;
  };
}

test.skipIf(isAbsent)(
  `published files with a byte changed or an end cut off give a result, and are seldom valid${reason}`,
  () => {
    const files = ["0.14.4/WLED_0.14.4_ESP32-C3.bin", "boot/bootloader_s3.bin", "boot/partitions_s3_8m.bin"];
    const next = numbers(1);
    for (const file of files) {
      const original = read(file);
      for (let run = 0; run < 15; run++) {
        const bytes = original.slice();
        const at = next() % (run % 2 === 0 ? bytes.length : 300);
        bytes[at] = (bytes[at] ?? 0) ^ (1 + (next() % 255));
        const changed: Inspection = inspectImage(bytes);
        const whatever = file.startsWith("boot/partitions") && at >= 0xc0;
        if (!whatever) expect(changed.valid, `${file}: byte ${at}`).toBe(false);
        const size = 1 + (next() % (original.length - 1));
        expect(inspectImage(original.subarray(0, size)).type, `${file}: ${size} bytes`).toBeTypeOf("string");
      }
    }
  },
);
