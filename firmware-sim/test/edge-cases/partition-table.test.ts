// Partition tables that Espressif's generator wouldn't make.

import { OtaImageState, PartitionFlag, PartitionType } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { EspAbort } from "../../src/esp-err/esp-abort.ts";
import { EspErr } from "../../src/esp-err/esp-err.ts";
import { esp_ota_get_boot_partition, esp_ota_set_boot_partition } from "../../src/esp-idf/esp-ota-boot.ts";
import { esp_ota_get_running_partition } from "../../src/esp-idf/esp-ota-query.ts";
import { esp_ota_mark_app_valid_cancel_rollback } from "../../src/esp-idf/esp-ota-rollback.ts";
import { esp_partition_find_first } from "../../src/esp-idf/esp-partition.ts";
import { type BoardSpec, board, bootOf, entry, otadataOf, partition, start } from "../board-spec.ts";
import { expectStart } from "./expect-start.ts";

const { NEW, VALID } = OtaImageState;

// The bootloader counts two, and ota_2 never boots. The app counts one, and set_boot(ota_2) returns 0x102.
test("row 49: counts slots ota_0 and ota_2 differently in bootloader and app", () => {
  expectStart({ slots: [0, 2], otadata: [entry(2, VALID), undefined] }, { boots: 0 }); // index 1 is empty
  expectStart({ slots: [0, 2], otadata: [entry(3, VALID), undefined] }, { boots: 0 });
  expectStart({ slots: [0, 2], otadata: [entry(1, VALID), undefined], corrupt: [0] }, { boots: "no-bootable-app" });

  const app = start(board({ slots: [0, 2], otadata: [entry(1, VALID), undefined] }));
  expect(esp_ota_set_boot_partition(app, partition(app, "ota_2"))).toBe(EspErr.ESP_ERR_INVALID_ARG);
});

// The app gets 0x105, and asking for the running partition asserts.
test("row 53: boots a table without an MD5 entry, but the app finds no partitions", () => {
  const spec: BoardSpec = {
    table: (entries) => ({ entries, md5: "absent" }),
    otadata: [entry(2, VALID), undefined],
  };
  const app = start(expectStart(spec, { boots: 1 }));
  expect(app.partitionsErr).toBe(EspErr.ESP_ERR_NOT_FOUND);
  expect(esp_partition_find_first(app, PartitionType.APP, 0xff)).toBeUndefined();
  expect(() => esp_ota_get_running_partition(app)).toThrow(EspAbort);
});

// The device resets in an endless loop.
test("row 54: rejects the whole table if a partition exceeds the flash size in the bootloader's header", () => {
  expectStart(
    { factory: true, table: (entries) => ({ entries: entries.map((e) => ({ ...e, size: 0x200000 })) }) },
    { boots: "partition-table-invalid", next: ["partition-table-invalid"] },
  );
  const large = board({
    factory: true,
    table: (entries) => ({ entries: entries.map((e) => (e.label === "ota_1" ? { ...e, size: 0xd0000 } : e)) }),
  });
  expect(bootOf(large)).toBe("factory"); // ends with the flash, and no bootloader image says otherwise
});

// The bootloader reads the last one, and the app writes the first one, so set_boot has no effect.
test("row 62: uses different otadata partitions in bootloader and app if there are two", () => {
  const hardware = board({
    otadata: [entry(1, VALID), undefined],
    table: (entries) => {
      const otadata = entries.find(({ label }) => label === "otadata")!;
      return { entries: [{ ...otadata, label: "otadata1", offset: 0x9000 }, ...entries] };
    },
  });
  const app = start(hardware);
  expect(esp_ota_set_boot_partition(app, partition(app, "ota_1"))).toBe(EspErr.ESP_OK);
  expect(esp_ota_get_boot_partition(app)?.label).toBe("ota_1");
  expect(bootOf(hardware)).toBe(0);
});

// The app gets 0x10D. The bootloader ignores the flag.
test("row 63: rejects the app's writes to read-only otadata, but not the bootloader's", () => {
  const hardware = board({
    otadata: [entry(1, NEW), undefined],
    table: (entries) => ({
      entries: entries.map((e) => (e.label === "otadata" ? { ...e, flags: PartitionFlag.READONLY } : e)),
    }),
  });
  const app = start(hardware);
  expect(otadataOf(hardware)).toEqual(["1:pending-verify", "blank"]);
  expect(esp_ota_set_boot_partition(app, partition(app, "ota_1"))).toBe(0x10d);
  expect(esp_ota_mark_app_valid_cancel_rollback(app)).toBe(0x10d);
});
