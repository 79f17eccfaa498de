// The edge cases that a faithful simulator of ESP-IDF's update machinery has to get right, each a row of the reference
// table. R: rollback is on in bootloader and app, r: off, A: anti-rollback is on. F: the table has a factory app.

import { buildAppImage, equalBytes, OtaImageState, PartitionFlag, PartitionType } from "@tinybms/ota-core";
import { describe, expect, test } from "vitest";
import type { BootloaderOptions } from "../src/boot/boot-options.ts";
import { EspAbort } from "../src/esp-idf/esp-abort.ts";
import { EspErr } from "../src/esp-idf/esp-err.ts";
import { esp_image_verify } from "../src/esp-idf/esp-image.ts";
import { esp_ota_get_boot_partition, esp_ota_set_boot_partition } from "../src/esp-idf/esp-ota-boot.ts";
import {
  esp_ota_get_next_update_partition,
  esp_ota_get_partition_description,
  esp_ota_get_running_partition,
  esp_ota_get_state_partition,
} from "../src/esp-idf/esp-ota-query.ts";
import {
  esp_ota_check_rollback_is_possible,
  esp_ota_mark_app_invalid_rollback_and_reboot,
  esp_ota_mark_app_valid_cancel_rollback,
} from "../src/esp-idf/esp-ota-rollback.ts";
import {
  esp_ota_abort,
  esp_ota_begin,
  esp_ota_end,
  esp_ota_write,
  OTA_SIZE_UNKNOWN,
  OTA_WITH_SEQUENTIAL_WRITES,
} from "../src/esp-idf/esp-ota-update.ts";
import { esp_partition_find_first } from "../src/esp-idf/esp-partition.ts";
import {
  type BoardSpec,
  board,
  bootOf,
  entry,
  OTADATA_OFFSET,
  otadataOf,
  partition,
  SLOT_SIZE,
  start,
  torn,
  untilPowerCut,
} from "./board.ts";

const { NEW, PENDING_VERIFY, VALID, INVALID, ABORTED, UNDEFINED } = OtaImageState;
const R: BootloaderOptions = { rollback: true };
const r: BootloaderOptions = { rollback: false };
const A: BootloaderOptions = { rollback: true, antiRollback: true };

interface BootRow {
  readonly row: string;
  readonly when: string;
  readonly options?: BootloaderOptions;
  readonly board: BoardSpec;
  readonly boots: number | string;
  /** otadata afterwards; as before without it, with no flash operation. */
  readonly otadata?: readonly [string, string];
  /** What the next starts boot, where they differ. */
  readonly next?: readonly (number | string)[];
}

const BOOT_ROWS: readonly BootRow[] = [
  { row: "1", when: "both entries are blank, with factory", board: { factory: true }, boots: "factory" },
  { row: "2", when: "both entries are blank, without factory", board: {}, boots: 0, otadata: ["1:valid", "blank"] },
  {
    row: "3",
    when: "both entries are blank, without factory, ota_0 corrupt",
    board: { corrupt: [0] },
    boots: 1,
    otadata: ["2:valid", "blank"],
  },
  {
    row: "4",
    when: "one entry has a bad CRC and the other is blank, without factory: never repaired",
    board: { otadata: [torn(5, UNDEFINED), undefined] },
    boots: 0,
    next: [0],
  },
  {
    row: "4 with anti-rollback",
    when: "one entry has a bad CRC and the other is blank: counts as initial, repaired",
    options: A,
    board: { otadata: [torn(5, UNDEFINED), undefined] },
    boots: 0,
    otadata: ["1:valid", "blank"],
  },
  {
    row: "5",
    when: "one entry has a bad CRC and the other is blank, with factory",
    board: { factory: true, otadata: [torn(5, UNDEFINED), undefined] },
    boots: "factory",
  },
  {
    row: "6",
    when: "the newer entry is torn: the older one counts",
    board: { otadata: [entry(1, VALID), torn(2, NEW)] },
    boots: 0,
  },
  {
    row: "7",
    when: "both entries have the same sequence number: the first one counts",
    board: { otadata: [entry(1, NEW), entry(1, VALID)] },
    boots: 0,
    otadata: ["1:pending-verify", "1:valid"],
  },
  {
    row: "9",
    when: "a sector begins with a zero word and two slots exist: sequence 0 selects the second",
    board: { otadata: [{ ...entry(0, UNDEFINED), crc: 0xffff_ffff }, undefined] },
    boots: 1,
  },
  {
    row: "9",
    when: "a sector begins with a zero word and three slots exist: sequence 0 selects the first",
    board: { slots: [0, 1, 2], otadata: [{ ...entry(0, UNDEFINED), crc: 0xffff_ffff }, undefined] },
    boots: 0,
  },
  {
    row: "10",
    when: "sequence numbers wrapped: the old one stays newer for ever",
    board: { otadata: [entry(2, VALID), entry(0xffff_fff1, VALID)] },
    boots: 0,
  },
  {
    row: "11",
    when: "an app was started and not confirmed",
    board: { otadata: [entry(1, VALID), entry(2, PENDING_VERIFY)] },
    boots: 0,
    otadata: ["1:valid", "2:aborted"],
  },
  {
    row: "11",
    when: "an entry with a bad CRC is PENDING_VERIFY: aborted all the same",
    board: { otadata: [entry(1, VALID), torn(2, PENDING_VERIFY)] },
    boots: 0,
    otadata: ["1:valid", "2:aborted torn"],
  },
  {
    row: "12",
    when: "an app was started and not confirmed, without rollback",
    options: r,
    board: { otadata: [entry(1, VALID), entry(2, PENDING_VERIFY)] },
    boots: 1,
    next: [1, 1],
  },
  {
    row: "13",
    when: "the only entry is ABORTED, with factory",
    board: { factory: true, otadata: [entry(1, ABORTED), undefined] },
    boots: "factory",
  },
  {
    row: "14",
    when: "the only entry is ABORTED, without factory: the aborted app boots again on every reset",
    board: { otadata: [entry(1, ABORTED), undefined] },
    boots: 0,
    next: [0, 0],
  },
  {
    row: "15",
    when: "both entries are given up, without factory",
    board: { otadata: [entry(1, INVALID), entry(2, ABORTED)] },
    boots: 0,
  },
  {
    row: "15",
    when: "both entries are given up, without factory, ota_0 corrupt",
    board: { otadata: [entry(1, ABORTED), entry(2, INVALID)], corrupt: [0] },
    boots: 1,
    next: [1],
  },
  {
    row: "16",
    when: "a NEW entry's image is corrupt: on probation on flash, while a lower slot runs; aborted at the next reset",
    board: { otadata: [entry(1, VALID), entry(2, NEW)], corrupt: [1] },
    boots: 0,
    otadata: ["1:valid", "2:pending-verify"],
    next: [0],
  },
  {
    row: "19",
    when: "slot 1 of 3 is corrupt, with factory: down first",
    options: r,
    board: { factory: true, slots: [0, 1, 2], otadata: [entry(2, UNDEFINED), undefined], corrupt: [1] },
    boots: 0,
    next: [0],
  },
  {
    row: "19",
    when: "slots 1 and 0 are corrupt: then factory",
    options: r,
    board: { factory: true, slots: [0, 1, 2], otadata: [entry(2, UNDEFINED), undefined], corrupt: [0, 1] },
    boots: "factory",
  },
  {
    row: "19",
    when: "slots 1, 0 and factory are corrupt: then up",
    options: r,
    board: {
      factory: true,
      test: true,
      slots: [0, 1, 2],
      otadata: [entry(2, UNDEFINED), undefined],
      corrupt: [0, 1, "factory"],
    },
    boots: 2,
  },
  {
    row: "19",
    when: "all but the test app are corrupt",
    options: r,
    board: {
      factory: true,
      test: true,
      slots: [0, 1, 2],
      otadata: [entry(2, UNDEFINED), undefined],
      corrupt: [0, 1, 2, "factory"],
    },
    boots: "test",
  },
  {
    row: "20",
    when: "nothing is bootable",
    board: { factory: true, corrupt: [0, "factory"], empty: [1] },
    boots: "no-bootable-app",
    next: ["no-bootable-app"],
  },
  { row: "21", when: "there is no otadata, with factory", board: { factory: true, otadataSize: 0 }, boots: "factory" },
  {
    row: "21",
    when: "there is no otadata and no factory: slots upwards, never a write",
    board: { otadataSize: 0, corrupt: [0] },
    boots: 1,
    next: [1],
  },
  {
    row: "22",
    when: "otadata has one sector only: resets for ever, although factory would boot",
    board: { factory: true, otadataSize: 0x1000 },
    boots: "otadata-too-small",
    next: ["otadata-too-small"],
  },
  {
    row: "23",
    when: "otadata has three sectors: the first two count",
    board: { otadataSize: 0x3000, otadata: [entry(1, VALID), entry(2, VALID)] },
    boots: 1,
  },
  {
    row: "24",
    when: "all entries are INVALID, with factory",
    board: { factory: true, otadata: [entry(1, INVALID), entry(2, INVALID)] },
    boots: "factory",
  },
  {
    row: "30",
    when: "a torn write left an unknown state: bootable, and never on probation",
    board: { otadata: [entry(1, VALID), entry(2, 0x00ff_0000)] },
    boots: 1,
    next: [1],
  },
  {
    row: "49",
    when: "the slots are ota_0 and ota_2: an even sequence number selects the gap, and ota_0 boots",
    board: { slots: [0, 2], otadata: [entry(2, VALID), undefined] },
    boots: 0,
  },
  {
    row: "49",
    when: "the slots are ota_0 and ota_2, and ota_0 is corrupt: ota_2 is never looked at",
    board: { slots: [0, 2], otadata: [entry(1, VALID), undefined], corrupt: [0] },
    boots: "no-bootable-app",
  },
  {
    row: "50",
    when: "the factory-reset pin is held while an entry is NEW: NEW, PENDING_VERIFY, ABORTED in one start",
    options: { factoryReset: { dataPartitions: ["nvs"], otadata: false } },
    board: { otadata: [entry(1, VALID), entry(2, NEW)] },
    boots: 0,
    otadata: ["1:valid", "2:aborted"],
  },
  {
    row: "53",
    when: "the table has no MD5: the bootloader doesn't mind",
    board: { table: (entries) => ({ entries, md5: "absent" }), otadata: [entry(2, VALID), undefined] },
    boots: 1,
  },
  {
    row: "54",
    when: "a partition lies beyond the flash: the whole table is refused",
    board: { factory: true, table: (entries) => ({ entries: entries.map((e) => ({ ...e, size: 0x200000 })) }) },
    boots: "partition-table-invalid",
    next: ["partition-table-invalid"],
  },
];

test.for(BOOT_ROWS)("row $row: $when", (row) => {
  const hardware = board(row.board);
  const before = hardware.flash.dump();
  expect(bootOf(hardware, row.options ?? R)).toBe(row.boots);
  if (row.otadata === undefined) {
    expect(equalBytes(hardware.flash.dump(), before)).toBe(true);
    expect(hardware.flash.operationCount).toBe(0);
  } else {
    expect(otadataOf(hardware)).toEqual(row.otadata);
  }
  for (const next of row.next ?? []) expect(bootOf(hardware, row.options ?? R)).toBe(next);
});

describe("set_boot_partition", () => {
  test("row 8: from sequence 0xFFFFFFFE a number is written that counts as blank, and the old slot boots", () => {
    const hardware = board({ otadata: [entry(0xffff_fffe, VALID), undefined] });
    const app = start(hardware);
    expect(esp_ota_get_running_partition(app).label).toBe("ota_1");
    expect(esp_ota_set_boot_partition(app, partition(app, "ota_0"))).toBe(EspErr.ESP_OK);
    expect(hardware.flash.truth(OTADATA_OFFSET + 0x1000, 4)).toEqual(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
    expect(hardware.flash.truth(OTADATA_OFFSET + 0x101c, 4)).toEqual(Uint8Array.of(0x1c, 0xdf, 0x44, 0x21)); // CRC
    expect(bootOf(hardware)).toBe(1);
  });

  test("row 25: factory is verified first, then the whole of otadata is erased", () => {
    const good = board({ factory: true, otadata: [entry(1, VALID), entry(2, VALID)] });
    const app = start(good);
    expect(esp_ota_set_boot_partition(app, partition(app, "factory"))).toBe(EspErr.ESP_OK);
    expect(otadataOf(good)).toEqual(["blank", "blank"]);
    expect(bootOf(good)).toBe("factory");

    const bad = board({ factory: true, otadata: [entry(1, VALID), undefined], corrupt: ["factory"] });
    const other = start(bad);
    expect(esp_ota_set_boot_partition(other, partition(other, "factory"))).toBe(EspErr.ESP_ERR_OTA_VALIDATE_FAILED);
    expect(otadataOf(bad)).toEqual(["1:valid", "blank"]);
  });

  test("row 23: set_boot_partition(factory) erases a third sector of otadata too", () => {
    const hardware = board({ factory: true, otadataSize: 0x3000, otadata: [entry(1, VALID), undefined] });
    const app = start(hardware);
    expect(esp_ota_set_boot_partition(app, partition(app, "factory"))).toBe(EspErr.ESP_OK);
    expect(hardware.flash.counters.sectorErases).toBe(3);
  });

  test("row 26: selecting the test app selects ota_0", () => {
    const hardware = board({ test: true, otadata: [entry(2, VALID), undefined] });
    const app = start(hardware);
    expect(esp_ota_set_boot_partition(app, partition(app, "test"))).toBe(EspErr.ESP_OK);
    expect(otadataOf(hardware)).toEqual(["2:valid", "3:new"]);
    expect(bootOf(hardware)).toBe(0);
  });

  test.for([
    { options: R, state: "new" },
    { options: r, state: "undefined" },
  ])("row 27: selecting the active slot rewrites its entry in place as $state", ({ options, state }) => {
    const hardware = board({ otadata: [entry(1, VALID), undefined] });
    const app = start(hardware, options);
    expect(esp_ota_set_boot_partition(app, partition(app, "ota_0"))).toBe(EspErr.ESP_OK);
    expect(otadataOf(hardware)).toEqual([`1:${state}`, "blank"]);
  });

  test("row 49: with a gap in the slots the app counts one, and ota_2 can't be selected", () => {
    const hardware = board({ slots: [0, 2], otadata: [entry(1, VALID), undefined] });
    const app = start(hardware);
    expect(esp_ota_set_boot_partition(app, partition(app, "ota_2"))).toBe(EspErr.ESP_ERR_INVALID_ARG);
  });

  test("row 64: back and forth before a reset loses the VALID record, and the app never confirmed boots", () => {
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

  test("the numbers of section 4.4: sectors take turns, sequence numbers go up", () => {
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
});

describe("after a fall-back", () => {
  /** Row 16's device: ota_1 was selected and is corrupt, ota_0 runs. */
  const afterFallback = () => {
    const hardware = board({ otadata: [entry(1, VALID), entry(2, NEW)], corrupt: [1] });
    return { hardware, app: start(hardware) };
  };

  test("row 17: mark_app_valid confirms the entry of the corrupt slot, not of the one that runs", () => {
    const { hardware, app } = afterFallback();
    expect(esp_ota_get_running_partition(app).label).toBe("ota_0");
    expect(esp_ota_mark_app_valid_cancel_rollback(app)).toBe(EspErr.ESP_OK);
    expect(otadataOf(hardware)).toEqual(["1:valid", "2:valid"]);
  });

  test("row 18: the running slot has another state, and writing the corrupt slot is allowed", () => {
    const { app } = afterFallback();
    const running = esp_ota_get_running_partition(app);
    expect(esp_ota_get_state_partition(app, running)).toEqual({ err: EspErr.ESP_OK, state: VALID });
    expect(esp_ota_begin(app, partition(app, "ota_1"), OTA_SIZE_UNKNOWN)).toMatchObject({ err: EspErr.ESP_OK });
  });

  test("row 18: without an entry of its own the running slot has no state", () => {
    const app = start(board({ otadata: [undefined, entry(2, NEW)], corrupt: [1] }));
    expect(esp_ota_get_state_partition(app, esp_ota_get_running_partition(app))).toEqual({
      err: EspErr.ESP_ERR_NOT_FOUND,
    });
  });

  test("row 19: what is selected is not what runs", () => {
    const app = start(board({ otadata: [entry(2, UNDEFINED), undefined], corrupt: [1] }), r);
    expect(esp_ota_get_boot_partition(app)?.label).toBe("ota_1");
    expect(esp_ota_get_running_partition(app).label).toBe("ota_0");
  });
});

test("row 21: without otadata nothing can be selected, and updates can still be written", () => {
  const app = start(board({ otadataSize: 0 }));
  const [running, other] = [partition(app, "ota_0"), partition(app, "ota_1")];
  expect(esp_ota_set_boot_partition(app, other)).toBe(EspErr.ESP_ERR_NOT_FOUND);
  expect(esp_ota_get_boot_partition(app)).toBeUndefined();
  expect(esp_ota_mark_app_valid_cancel_rollback(app)).toBe(EspErr.ESP_ERR_NOT_FOUND);
  expect(esp_ota_get_state_partition(app, running)).toEqual({ err: EspErr.ESP_ERR_NOT_FOUND });
  expect(esp_ota_check_rollback_is_possible(app)).toBe(false);
  const { err, handle = 0 } = esp_ota_begin(app, other, OTA_SIZE_UNKNOWN);
  expect(err).toBe(EspErr.ESP_OK);
  expect(esp_ota_write(app, handle, buildAppImage())).toBe(EspErr.ESP_OK);
  expect(esp_ota_end(app, handle)).toBe(EspErr.ESP_OK);
});

describe("confirmation and rollback", () => {
  test("row 24: factory can't be confirmed", () => {
    const hardware = board({ factory: true, otadata: [entry(1, INVALID), entry(2, INVALID)] });
    expect(esp_ota_mark_app_valid_cancel_rollback(start(hardware))).toBe(EspErr.ESP_FAIL);
  });

  test("row 45: without an alternative nothing is given up, until the next reset aborts it", () => {
    const hardware = board({ otadata: [entry(1, NEW), undefined], empty: [1] });
    const app = start(hardware);
    expect(esp_ota_mark_app_invalid_rollback_and_reboot(app)).toEqual({
      err: EspErr.ESP_ERR_OTA_ROLLBACK_FAILED,
      restart: false,
    });
    expect(otadataOf(hardware)).toEqual(["1:pending-verify", "blank"]);
    expect(bootOf(hardware)).toBe(0);
    expect(otadataOf(hardware)).toEqual(["1:aborted", "blank"]);
  });

  test.for([
    { row: "46", options: R, err: EspErr.ESP_OK, restart: true, otadata: ["1:invalid", "blank"] },
    { row: "46 with anti-rollback", options: A, err: 0x1505, restart: false, otadata: ["1:pending-verify", "blank"] },
  ])("row $row: a factory app is what to go back to", ({ options, err, restart, otadata }) => {
    const hardware = board({ factory: true, otadata: [entry(1, NEW), undefined] });
    const app = start(hardware, options);
    expect(esp_ota_get_running_partition(app).label).toBe("ota_0");
    expect(esp_ota_mark_app_invalid_rollback_and_reboot(app)).toEqual({ err, restart });
    expect(otadataOf(hardware)).toEqual(otadata);
    if (restart) expect(bootOf(hardware, options)).toBe("factory");
  });

  test("row 47: the second confirmation is fine and touches no flash", () => {
    const hardware = board({ otadata: [entry(1, VALID), entry(2, NEW)] });
    const app = start(hardware);
    expect(esp_ota_mark_app_valid_cancel_rollback(app)).toBe(EspErr.ESP_OK);
    expect(otadataOf(hardware)).toEqual(["1:valid", "2:valid"]);
    const operations = hardware.flash.operationCount;
    expect(esp_ota_mark_app_valid_cancel_rollback(app)).toBe(EspErr.ESP_OK);
    expect(hardware.flash.operationCount).toBe(operations);
  });

  test("row 48: with one slot the next update partition is that same one, and can't be written", () => {
    const app = start(board({ factory: true, slots: [0], otadata: [entry(1, VALID), undefined] }));
    const next = esp_ota_get_next_update_partition(app);
    expect(next?.label).toBe("ota_0");
    expect(esp_ota_begin(app, next, OTA_SIZE_UNKNOWN)).toEqual({ err: EspErr.ESP_ERR_OTA_PARTITION_CONFLICT });
  });
});

describe("power cuts at a known place", () => {
  test("row 28: between erase and program of the inactive entry, the old app boots", () => {
    const hardware = board({ otadata: [entry(1, VALID), entry(0, ABORTED)] });
    const app = start(hardware);
    hardware.flash.cutPowerAt({ operation: 1, moment: "after" });
    untilPowerCut(() => esp_ota_set_boot_partition(app, partition(app, "ota_1")));
    hardware.flash.powerOn();
    expect(otadataOf(hardware)).toEqual(["1:valid", "blank"]);
    expect(bootOf(hardware)).toBe(0);
  });

  test("row 29: between erase and program of the active entry, the record is gone and the other one decides", () => {
    const hardware = board({ otadata: [entry(1, VALID), entry(2, NEW)] });
    const app = start(hardware);
    expect(esp_ota_get_running_partition(app).label).toBe("ota_1");
    hardware.flash.cutPowerAt({ operation: 1, moment: "after" });
    untilPowerCut(() => esp_ota_mark_app_valid_cancel_rollback(app));
    hardware.flash.powerOn();
    expect(otadataOf(hardware)).toEqual(["1:valid", "blank"]); // nothing says that ota_1 was ever tried
    expect(bootOf(hardware)).toBe(0);
  });

  test("row 29: after esp_ota_begin erased the other entry none is left, and the first slot that verifies boots", () => {
    const hardware = board({ otadata: [entry(1, VALID), entry(2, VALID)] });
    const app = start(hardware);
    expect(esp_ota_begin(app, partition(app, "ota_0"), OTA_SIZE_UNKNOWN).err).toBe(EspErr.ESP_OK);
    expect(otadataOf(hardware)).toEqual(["blank", "2:valid"]);
    hardware.flash.cutPowerAt({ operation: 1, moment: "after" });
    untilPowerCut(() => esp_ota_set_boot_partition(app, partition(app, "ota_1")));
    hardware.flash.powerOn();
    expect(bootOf(hardware)).toBe(1); // ota_0 was erased by begin; it is tried first
    expect(otadataOf(hardware)).toEqual(["2:valid", "blank"]);
  });

  test.for(["prefix-1", "prefix-16", "prefix-half", "prefix-all-but-last"])(
    "row 30: an entry torn as %s does not count, since its CRC comes last",
    (variant) => {
      const hardware = board({ otadata: [entry(1, VALID), undefined] });
      const app = start(hardware);
      hardware.flash.cutPowerAt({ operation: 2, moment: "during", variant });
      untilPowerCut(() => esp_ota_set_boot_partition(app, partition(app, "ota_1")));
      hardware.flash.powerOn();
      expect(bootOf(hardware)).toBe(0);
    },
  );

  test("row 31: inside esp_ota_begin or esp_ota_write the old app boots, and its other entry may be gone", () => {
    const hardware = board({ otadata: [entry(1, VALID), entry(2, VALID)] });
    const app = start(hardware);
    const { handle = 0 } = esp_ota_begin(app, partition(app, "ota_0"), OTA_WITH_SEQUENTIAL_WRITES);
    hardware.flash.cutPowerAt({ operation: 2, moment: "during", variant: "subset-50" });
    untilPowerCut(() => esp_ota_write(app, handle, buildAppImage()));
    hardware.flash.powerOn();
    expect(otadataOf(hardware)).toEqual(["blank", "2:valid"]);
    expect(bootOf(hardware)).toBe(1);
  });
});

describe("writing an update", () => {
  const image = buildAppImage({ version: "2.0.0", sizeBytes: 0x3000 });
  const running = (spec: BoardSpec = {}) => start(board({ otadata: [entry(1, VALID), undefined], ...spec }));

  test("row 32: not while the running app is unconfirmed, but from factory", () => {
    const pending = start(board({ otadata: [entry(1, NEW), undefined] }));
    expect(esp_ota_begin(pending, partition(pending, "ota_1"), OTA_SIZE_UNKNOWN)).toEqual({
      err: EspErr.ESP_ERR_OTA_ROLLBACK_INVALID_STATE,
    });
    const factory = start(board({ factory: true }));
    expect(esp_ota_begin(factory, partition(factory, "ota_1"), OTA_SIZE_UNKNOWN).err).toBe(EspErr.ESP_OK);
  });

  test("row 33: not twice on one slot without an end", () => {
    const app = running();
    const { handle = 0 } = esp_ota_begin(app, partition(app, "ota_1"), OTA_SIZE_UNKNOWN);
    expect(handle).toBe(1);
    expect(esp_ota_begin(app, partition(app, "ota_1"), OTA_SIZE_UNKNOWN).err).toBe(
      EspErr.ESP_ERR_OTA_ALREADY_IN_PROGRESS,
    );
    expect(esp_ota_abort(app, handle)).toBe(EspErr.ESP_OK);
    expect(esp_ota_begin(app, partition(app, "ota_1"), OTA_SIZE_UNKNOWN)).toEqual({ err: EspErr.ESP_OK, handle: 2 });
  });

  test("row 34: a size beyond the partition fails and leaves the slot taken", () => {
    const app = running();
    const begun = esp_ota_begin(app, partition(app, "ota_1"), SLOT_SIZE + 1);
    expect(begun.err).toBe(EspErr.ESP_ERR_INVALID_SIZE);
    expect(esp_ota_begin(app, partition(app, "ota_1"), 0).err).toBe(EspErr.ESP_ERR_OTA_ALREADY_IN_PROGRESS);
    expect(esp_ota_abort(app, begun.handle ?? 0)).toBe(EspErr.ESP_OK);
  });

  test("row 35: what isn't an image is refused after its sector was erased, and the handle lives on", () => {
    const app = running();
    const { handle = 0 } = esp_ota_begin(app, partition(app, "ota_1"), OTA_WITH_SEQUENTIAL_WRITES);
    expect(esp_ota_write(app, handle, Uint8Array.of(0x00, 0x01))).toBe(EspErr.ESP_ERR_OTA_VALIDATE_FAILED);
    expect(app.flash.truth(partition(app, "ota_1").address, 4)).toEqual(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
    expect(esp_ota_write(app, handle, image)).toBe(EspErr.ESP_OK);

    const other = running();
    const { handle: unused = 0 } = esp_ota_begin(other, partition(other, "ota_1"), OTA_WITH_SEQUENTIAL_WRITES);
    esp_ota_write(other, unused, Uint8Array.of(0x00));
    expect(esp_ota_end(other, unused)).toBe(EspErr.ESP_ERR_INVALID_ARG);
  });

  test("row 36: a first write of no bytes is fine", () => {
    const app = running();
    const { handle = 0 } = esp_ota_begin(app, partition(app, "ota_1"), OTA_WITH_SEQUENTIAL_WRITES);
    expect(esp_ota_write(app, handle, new Uint8Array(0))).toBe(EspErr.ESP_OK);
    expect(app.flash.operationCount).toBe(0);
  });

  test("row 37: an image longer than its slot fails at the chunk that crosses the end", () => {
    const app = running();
    const { handle = 0 } = esp_ota_begin(app, partition(app, "ota_1"), OTA_WITH_SEQUENTIAL_WRITES);
    const chunk = image.slice(0, 0x1000);
    for (let offset = 0; offset < SLOT_SIZE; offset += 0x1000) expect(esp_ota_write(app, handle, chunk)).toBe(0);
    expect(esp_ota_write(app, handle, chunk)).toBe(EspErr.ESP_ERR_INVALID_SIZE);
    expect(app.flash.truth(partition(app, "ota_1").address, 0x1000)).toEqual(chunk);
  });

  test("row 38: a size given too small leaves old bytes to AND with, and the end finds out", () => {
    const app = running({ images: new Map([[1, { sizeBytes: 0x3000, seed: 99 }]]) });
    const { handle = 0 } = esp_ota_begin(app, partition(app, "ota_1"), 0x1000);
    expect(esp_ota_write(app, handle, image)).toBe(EspErr.ESP_OK);
    expect(app.flash.violations[0]?.kind).toBe("program-without-erase");
    expect(esp_ota_end(app, handle)).toBe(EspErr.ESP_ERR_OTA_VALIDATE_FAILED);
  });

  test("row 39: junk after the image doesn't matter", () => {
    const app = running();
    const { handle = 0 } = esp_ota_begin(app, partition(app, "ota_1"), OTA_WITH_SEQUENTIAL_WRITES);
    esp_ota_write(app, handle, image);
    esp_ota_write(app, handle, Uint8Array.of(1, 2, 3));
    expect(esp_ota_end(app, handle)).toBe(EspErr.ESP_OK);
  });

  test("row 61: a handle ended or aborted is gone, even if its end failed", () => {
    const app = running();
    const { handle = 0 } = esp_ota_begin(app, partition(app, "ota_1"), OTA_WITH_SEQUENTIAL_WRITES);
    expect(esp_ota_end(app, handle)).toBe(EspErr.ESP_ERR_INVALID_ARG);
    expect(esp_ota_end(app, handle)).toBe(EspErr.ESP_ERR_NOT_FOUND);
    expect(esp_ota_abort(app, handle)).toBe(EspErr.ESP_ERR_NOT_FOUND);
  });
});

describe("images", () => {
  test.for([
    { chip: "esp32", err: EspErr.ESP_OK },
    { chip: "esp32c3", err: EspErr.ESP_OK },
    { chip: "esp32c6", err: EspErr.ESP_FAIL },
    { chip: "esp32c2", err: EspErr.ESP_FAIL },
  ] as const)("row 40: without an app descriptor, esp_image_verify on $chip gives $err", ({ chip, err }) => {
    const hardware = board({
      chip,
      otadata: [entry(1, VALID), undefined],
      images: new Map([[1, { hashAppended: false }]]),
    });
    const app = start(hardware);
    const { address } = partition(app, "ota_1");
    // The descriptor's magic word twice over, so that the checksum stays right: 32 54 cd ab becomes 33 54 cd aa.
    hardware.flash.load(address + 32, Uint8Array.of(0x33));
    hardware.flash.load(address + 35, Uint8Array.of(0xaa));
    expect(esp_image_verify(app, partition(app, "ota_1"))).toBe(err);
    expect(esp_ota_get_partition_description(app, partition(app, "ota_1")).err).toBe(EspErr.ESP_ERR_NOT_FOUND);
  });

  test.for([
    { what: "another chip", spec: { chip: "esp32s3" } },
    { what: "a later revision", spec: { minChipRevisionFull: 301 } },
  ] as const)("row 41: an image for $what is refused by app and bootloader", ({ spec }) => {
    const hardware = board({ otadata: [entry(1, VALID), entry(2, VALID)], images: new Map([[1, spec]]) });
    const app = start(hardware);
    expect(esp_ota_get_running_partition(app).label).toBe("ota_0");
    expect(esp_image_verify(app, partition(app, "ota_1"))).toBe(EspErr.ESP_FAIL);
    expect(esp_ota_set_boot_partition(app, partition(app, "ota_1"))).toBe(EspErr.ESP_ERR_OTA_VALIDATE_FAILED);
  });

  test("row 60: without a hash, two flips of the same bit pass the checksum", () => {
    const hardware = board({ otadata: [entry(1, VALID), undefined], images: new Map([[1, { hashAppended: false }]]) });
    const app = start(hardware);
    const { address } = partition(app, "ota_1");
    const [first, second] = hardware.flash.truth(address + 100, 2);
    hardware.flash.load(address + 100, Uint8Array.of(first! ^ 4));
    expect(esp_image_verify(app, partition(app, "ota_1"))).toBe(EspErr.ESP_ERR_IMAGE_INVALID);
    hardware.flash.load(address + 101, Uint8Array.of(second! ^ 4));
    expect(esp_image_verify(app, partition(app, "ota_1"))).toBe(EspErr.ESP_OK);
  });
});

describe("anti-rollback", () => {
  const secure = (version: number) => ({ secureVersion: version });

  test("row 42: selecting a lower secure version erases the slot, and the bootloader never starts it", () => {
    const spec: BoardSpec = {
      efuse: { secureVersion: 2 },
      images: new Map([
        [0, secure(2)],
        [1, secure(1)],
      ]),
    };
    const hardware = board({ ...spec, otadata: [entry(1, VALID), undefined] });
    const app = start(hardware, A);
    expect(esp_ota_set_boot_partition(app, partition(app, "ota_1"))).toBe(EspErr.ESP_ERR_OTA_SMALL_SEC_VER);
    const { address } = partition(app, "ota_1");
    expect(hardware.flash.truth(address, SLOT_SIZE).every((byte) => byte === 0xff)).toBe(true);
    expect(bootOf(board({ ...spec, otadata: [entry(1, VALID), entry(2, VALID)] }), A)).toBe(0);
    expect(bootOf(board({ ...spec, empty: [0] }), A)).toBe("no-bootable-app");
  });

  test("row 43: the eFuse follows the confirmation, and then there is no way back", () => {
    const hardware = board({ otadata: [entry(1, VALID), entry(2, NEW)], images: new Map([[1, secure(3)]]) });
    const app = start(hardware, A);
    expect(hardware.efuse.secureVersion).toBe(0);
    expect(esp_ota_check_rollback_is_possible(app)).toBe(true);
    expect(esp_ota_mark_app_valid_cancel_rollback(app)).toBe(EspErr.ESP_OK);
    expect(hardware.efuse.secureVersion).toBe(3);
    expect(esp_ota_mark_app_invalid_rollback_and_reboot(app).err).toBe(EspErr.ESP_ERR_OTA_ROLLBACK_FAILED);
  });

  test("row 43: or the next start of an entry that is VALID", () => {
    const hardware = board({ otadata: [undefined, entry(2, VALID)], images: new Map([[1, secure(3)]]) });
    expect(bootOf(hardware, A)).toBe(1);
    expect(hardware.efuse.secureVersion).toBe(3);
  });

  test("row 44: a secure version wider than the field boots, and its confirmation fails after the entry is VALID", () => {
    const hardware = board({ otadata: [entry(1, VALID), undefined], images: new Map([[1, secure(33)]]) });
    const app = start(hardware, A);
    expect(esp_ota_set_boot_partition(app, partition(app, "ota_1"))).toBe(EspErr.ESP_OK);
    const updated = start(hardware, A);
    expect(esp_ota_get_running_partition(updated).label).toBe("ota_1");
    expect(esp_ota_mark_app_valid_cancel_rollback(updated)).toBe(EspErr.ESP_ERR_INVALID_ARG);
    expect(otadataOf(hardware)).toEqual(["1:valid", "2:valid"]);
  });
});

describe("hand-made partition tables", () => {
  test("row 53: without the MD5 the app finds no partition, and asking for the running one aborts", () => {
    const hardware = board({ table: (entries) => ({ entries, md5: "absent" }), otadata: [entry(2, VALID), undefined] });
    const app = start(hardware);
    expect(app.partitionsErr).toBe(EspErr.ESP_ERR_NOT_FOUND);
    expect(esp_partition_find_first(app, PartitionType.APP, 0xff)).toBeUndefined();
    expect(() => esp_ota_get_running_partition(app)).toThrow(EspAbort);
  });

  test("row 62: of two otadata partitions the bootloader reads the last, the app writes the first", () => {
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

  test("row 63: a read-only otadata stops the app and not the bootloader", () => {
    const hardware = board({
      otadata: [entry(1, NEW), undefined],
      table: (entries) => ({
        entries: entries.map((e) => (e.label === "otadata" ? { ...e, flags: PartitionFlag.READONLY } : e)),
      }),
    });
    const app = start(hardware);
    expect(otadataOf(hardware)).toEqual(["1:pending-verify", "blank"]);
    expect(esp_ota_set_boot_partition(app, partition(app, "ota_1"))).toBe(EspErr.ESP_ERR_NOT_ALLOWED);
    expect(esp_ota_mark_app_valid_cancel_rollback(app)).toBe(EspErr.ESP_ERR_NOT_ALLOWED);
  });
});
