// What an image has to be.

import { type AppImageSpec, buildAppImage, type ChipName, OtaImageState } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { EspErr } from "../../src/esp-err/esp-err.ts";
import { esp_https_ota } from "../../src/esp-idf/esp-https-ota.ts";
import { esp_image_verify } from "../../src/esp-idf/esp-image.ts";
import { esp_ota_set_boot_partition } from "../../src/esp-idf/esp-ota-boot.ts";
import { esp_ota_get_partition_description, esp_ota_get_running_partition } from "../../src/esp-idf/esp-ota-query.ts";
import { board, bootOf, entry, partition, start } from "../board-spec.ts";

const { VALID } = OtaImageState;

// The image is otherwise valid. ESP32, S2, S3, C3, C5 and P4 accept it and have no description (0x105). C2, C6, C61,
// H2, H21, H4 and S31 reject it.
test("row 40: accepts a wrong descriptor magic word on some chips and rejects it on others", () => {
  const check = (chip: ChipName) => {
    const hardware = board({
      chip,
      otadata: [entry(1, VALID), undefined],
      images: new Map([[1, { hashAppended: false }]]),
    });
    const app = start(hardware);
    const { address } = partition(app, "ota_1");
    // The descriptor's magic word, with one bit flipped in two bytes so that the checksum stays right.
    hardware.flash.load(address + 32, Uint8Array.of(0x33));
    hardware.flash.load(address + 35, Uint8Array.of(0xaa));
    expect(esp_ota_get_partition_description(app, partition(app, "ota_1")).err).toBe(EspErr.ESP_ERR_NOT_FOUND);
    return esp_image_verify(app, partition(app, "ota_1"));
  };
  for (const chip of ["esp32", "esp32s2", "esp32s3", "esp32c3", "esp32c5", "esp32p4"] as const) {
    expect(check(chip), chip).toBe(EspErr.ESP_OK);
  }
  for (const chip of ["esp32c2", "esp32c6", "esp32c61", "esp32h2", "esp32h21", "esp32h4", "esp32s31"] as const) {
    expect(check(chip), chip).toBe(EspErr.ESP_FAIL);
  }
});

// esp_image_verify returns −1, set_boot 0x1503, and esp_https_ota 0x10A before any write. The bootloader does not
// boot the slot.
test("row 41: rejects a wrong chip ID or minimum revision", () => {
  const specs: readonly AppImageSpec[] = [{ chip: "esp32s3" }, { minChipRevisionFull: 301 }];
  for (const spec of specs) {
    const hardware = board({ otadata: [entry(1, VALID), entry(2, VALID)], images: new Map([[1, spec]]) });
    const app = start(hardware);
    expect(esp_ota_get_running_partition(app).label).toBe("ota_0");
    expect(esp_image_verify(app, partition(app, "ota_1"))).toBe(EspErr.ESP_FAIL);
    expect(esp_ota_set_boot_partition(app, partition(app, "ota_1"))).toBe(0x1503);
    expect(bootOf(hardware)).toBe(0);

    const fetching = start(board({ otadata: [entry(1, VALID), undefined] }));
    const body = buildAppImage({ ...spec, sizeBytes: 0x2000 });
    expect(esp_https_ota(fetching, { status: 200, body })).toBe(0x10a);
    expect(fetching.flash.operationCount).toBe(0);
  }
});

// Without an appended hash, two flips at the same bit position in segment data keep the 8-bit checksum.
test("row 60: verifies and boots corrupt code if two bit flips keep the checksum", () => {
  const hardware = board({ otadata: [undefined, entry(2, VALID)], images: new Map([[1, { hashAppended: false }]]) });
  const app = start(board({ otadata: [entry(1, VALID), undefined] }));
  const flipped = { ...app, ...hardware };
  const { address } = partition(app, "ota_1");
  const [first, second] = hardware.flash.truth(address + 100, 2);
  hardware.flash.load(address + 100, Uint8Array.of(first! ^ 4));
  expect(esp_image_verify(flipped, partition(app, "ota_1"))).toBe(EspErr.ESP_ERR_IMAGE_INVALID);
  hardware.flash.load(address + 101, Uint8Array.of(second! ^ 4));
  expect(esp_image_verify(flipped, partition(app, "ota_1"))).toBe(EspErr.ESP_OK);
  expect(bootOf(hardware)).toBe(1);
});
