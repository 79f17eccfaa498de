import { buildAppImage, OtaImageState } from "@tinybms/ota-core/esp";
import { describe, expect, test } from "vitest";
import { board, bootOf, entry, otadataOf, partition, SLOT_SIZE, start, torn } from "../../test/board-spec.ts";
import { EspAbort } from "../esp-err/esp-abort.ts";
import { EspErr } from "../esp-err/esp-err.ts";
import { esp_ota_get_boot_partition, esp_ota_set_boot_partition } from "./esp-ota-boot.ts";
import {
  esp_app_get_description,
  esp_ota_get_last_invalid_partition,
  esp_ota_get_next_update_partition,
  esp_ota_get_partition_description,
  esp_ota_get_state_partition,
} from "./esp-ota-query.ts";
import {
  esp_ota_check_rollback_is_possible,
  esp_ota_erase_last_boot_app_partition,
  esp_ota_invalidate_inactive_ota_data_slot,
  esp_ota_mark_app_invalid_rollback,
  esp_ota_mark_app_valid_cancel_rollback,
} from "./esp-ota-rollback.ts";
import {
  esp_ota_begin,
  esp_ota_end,
  esp_ota_write,
  OTA_SIZE_UNKNOWN,
  OTA_WITH_SEQUENTIAL_WRITES,
} from "./esp-ota-update.ts";

const { NEW, VALID, INVALID, ABORTED, UNDEFINED } = OtaImageState;

describe("queries", () => {
  test("returns the next update partition in turn, from factory to the lowest slot", () => {
    const app = start(board({ factory: true, slots: [0, 1, 2] }));
    const next = (label: string) => esp_ota_get_next_update_partition(app, partition(app, label))?.label;
    expect(["factory", "ota_0", "ota_1", "ota_2"].map(next)).toEqual(["ota_0", "ota_1", "ota_2", "ota_0"]);
    expect(esp_ota_get_next_update_partition(app)?.label).toBe("ota_0");
    const foreign = { ...partition(app, "ota_0"), address: 0 };
    expect(() => esp_ota_get_next_update_partition(app, foreign)).toThrow(EspAbort);
  });

  test("returns no next update partition without OTA slots", () => {
    expect(esp_ota_get_next_update_partition(start(board({ factory: true, slots: [] })))).toBeUndefined();
  });

  test("returns the state of the first entry for the slot with a correct CRC, active or not", () => {
    const app = start(board({ otadata: [entry(3, ABORTED), entry(2, VALID)] }));
    const state = (label: string) => esp_ota_get_state_partition(app, partition(app, label));
    expect(state("ota_0")).toEqual({ err: EspErr.ESP_OK, state: ABORTED });
    expect(state("ota_1")).toEqual({ err: EspErr.ESP_OK, state: VALID });
    expect(state("nvs")).toEqual({ err: EspErr.ESP_ERR_NOT_SUPPORTED });
    expect(esp_ota_get_state_partition(app, undefined)).toEqual({ err: EspErr.ESP_ERR_INVALID_ARG });
  });

  test("returns the active entry's boot partition, or factory, the lowest slot or test", () => {
    const boot = (spec: Parameters<typeof board>[0]) => esp_ota_get_boot_partition(start(board(spec)))?.label;
    expect(boot({ otadata: [entry(2, VALID), undefined] })).toBe("ota_1");
    expect(boot({ factory: true })).toBe("factory");
    expect(boot({ slots: [1, 2], otadata: [torn(1, VALID), undefined], factory: true })).toBe("factory");
    expect(boot({ slots: [3], test: true })).toBe("ota_3");
    expect(boot({ slots: [], test: true })).toBe("test");
  });

  test("returns the last invalid partition with the smaller sequence and a valid image", () => {
    const label = (spec: Parameters<typeof board>[0]) =>
      esp_ota_get_last_invalid_partition(start(board({ factory: true, ...spec })))?.label;
    expect(label({ otadata: [entry(1, INVALID), entry(2, ABORTED)] })).toBe("ota_0");
    expect(label({ otadata: [entry(3, ABORTED), entry(2, INVALID)] })).toBe("ota_1");
    expect(label({ otadata: [entry(1, VALID), entry(2, ABORTED)] })).toBe("ota_1");
    expect(label({ otadata: [entry(1, VALID), entry(2, ABORTED)], corrupt: [1] })).toBeUndefined();
    expect(label({ otadata: [entry(1, VALID), torn(2, ABORTED)] })).toBeUndefined();
  });

  test("reads a descriptor from any app partition; the running app's never changes", () => {
    const app = start(board({ otadata: [entry(1, VALID), undefined], corrupt: [1], test: true, empty: ["test"] }));
    const describe_ = (label: string) => esp_ota_get_partition_description(app, partition(app, label));
    expect(describe_("ota_1")).toMatchObject({ err: EspErr.ESP_OK, description: { version: "1" } });
    expect(describe_("test")).toEqual({ err: EspErr.ESP_ERR_NOT_FOUND });
    expect(describe_("nvs")).toEqual({ err: EspErr.ESP_ERR_NOT_SUPPORTED });
    expect(esp_ota_get_partition_description(app, undefined)).toEqual({ err: EspErr.ESP_ERR_INVALID_ARG });
    expect(esp_app_get_description(app)?.version).toBe("0");
  });
});

describe("set_boot_partition", () => {
  test("verifies any type of partition first, and accepts only apps", () => {
    const app = start(board({ otadata: [entry(1, VALID), undefined], corrupt: [1] }));
    expect(esp_ota_set_boot_partition(app, undefined)).toBe(EspErr.ESP_ERR_INVALID_ARG);
    expect(esp_ota_set_boot_partition(app, partition(app, "nvs"))).toBe(EspErr.ESP_ERR_OTA_VALIDATE_FAILED);
    expect(esp_ota_set_boot_partition(app, partition(app, "ota_1"))).toBe(EspErr.ESP_ERR_OTA_VALIDATE_FAILED);
    const image = { ...partition(app, "ota_0"), type: 0x40 };
    expect(esp_ota_set_boot_partition(app, image)).toBe(EspErr.ESP_ERR_INVALID_ARG);
    expect(app.flash.operationCount).toBe(0);
  });

  test("keeps sequence 0 if it selects the same slot again", () => {
    const hardware = board({ slots: [0, 1, 2], otadata: [entry(0, VALID), undefined] });
    const app = start(hardware);
    expect(esp_ota_set_boot_partition(app, partition(app, "ota_0"))).toBe(EspErr.ESP_OK);
    expect(otadataOf(hardware)).toEqual(["0:new", "blank"]);
  });

  test("keeps the label of the entry it rewrites", () => {
    const label = new Uint8Array(20).fill(0x42);
    const hardware = board({ otadata: [entry(1, VALID), { ...entry(0, ABORTED), label }] });
    const app = start(hardware);
    esp_ota_set_boot_partition(app, partition(app, "ota_1"));
    expect(hardware.flash.truth(0xe004, 20)).toEqual(label);
  });
});

describe("rollback", () => {
  test.for([
    { what: "the other entry is valid and its image whole", spec: {}, possible: true },
    { what: "the other image is corrupt", spec: { corrupt: [0] }, possible: false },
    { what: "the other entry is blank", spec: { otadata: [undefined, entry(2, VALID)] }, possible: false },
    {
      what: "the other entry is blank and factory whole",
      spec: { otadata: [undefined, entry(2, VALID)], factory: true },
      possible: true,
    },
    {
      what: "the other entry is blank and factory corrupt",
      spec: { otadata: [undefined, entry(2, VALID)], factory: true, corrupt: ["factory"] },
      possible: false,
    },
  ] as const)("is $possible where $what", ({ spec, possible }) => {
    const hardware = board({ otadata: [entry(1, VALID), entry(2, VALID)], ...spec });
    const app = start(hardware);
    expect(esp_ota_check_rollback_is_possible(app)).toBe(possible);
    const err = possible ? EspErr.ESP_OK : EspErr.ESP_ERR_OTA_ROLLBACK_FAILED;
    expect(esp_ota_mark_app_invalid_rollback(app)).toBe(err);
    expect(otadataOf(hardware)[1]).toBe(possible ? "2:invalid" : "2:valid");
  });

  test("does not start an app again that marked itself invalid", () => {
    const hardware = board({ otadata: [entry(1, VALID), entry(2, NEW)] });
    expect(esp_ota_mark_app_invalid_rollback(start(hardware))).toBe(EspErr.ESP_OK);
    expect(bootOf(hardware)).toBe(0);
    expect(otadataOf(hardware)).toEqual(["1:valid", "2:invalid"]);
  });

  test("erases the inactive entry only if its CRC is correct and its slot isn't running", () => {
    const erase = (otadata: NonNullable<Parameters<typeof board>[0]>["otadata"] & {}) => {
      const hardware = board({ factory: true, otadata });
      return [esp_ota_invalidate_inactive_ota_data_slot(start(hardware)), otadataOf(hardware)];
    };
    expect(erase([entry(1, VALID), entry(2, VALID)])).toEqual([EspErr.ESP_OK, ["blank", "2:valid"]]);
    expect(erase([entry(1, VALID), entry(2, ABORTED)])).toEqual([EspErr.ESP_OK, ["1:valid", "blank"]]);
    expect(erase([entry(1, VALID), torn(2, VALID)])).toEqual([EspErr.ESP_FAIL, ["1:valid", "2:valid torn"]]);
    expect(erase([entry(1, VALID), entry(3, VALID)])).toEqual([EspErr.ESP_FAIL, ["1:valid", "3:valid"]]);
    expect(erase([undefined, undefined])).toEqual([EspErr.ESP_FAIL, ["blank", "blank"]]);
  });

  test("erases the whole partition of the last app, then its entry", () => {
    const hardware = board({ otadata: [entry(1, VALID), entry(2, VALID)] });
    const app = start(hardware);
    expect(esp_ota_erase_last_boot_app_partition(app)).toBe(EspErr.ESP_OK);
    expect(otadataOf(hardware)).toEqual(["blank", "2:valid"]);
    const { address } = partition(app, "ota_0");
    expect(hardware.flash.truth(address, SLOT_SIZE).every((byte) => byte === 0xff)).toBe(true);
    expect(esp_ota_erase_last_boot_app_partition(app)).toBe(EspErr.ESP_FAIL);
  });
});

describe("an update", () => {
  test.for([
    { rollback: true, states: ["3:new", "3:pending-verify", "3:valid"] },
    { rollback: false, states: ["3:undefined", "3:undefined", "3:valid"] },
  ])("with rollback $rollback goes through $states", ({ rollback, states }) => {
    const hardware = board({ otadata: [entry(1, UNDEFINED), entry(2, VALID)] });
    const app = start(hardware, { rollback });
    const image = buildAppImage({ version: "2.0.0", sizeBytes: 0x5000, seed: 5 });
    const { handle = 0 } = esp_ota_begin(app, partition(app, "ota_0"), OTA_WITH_SEQUENTIAL_WRITES);
    for (let offset = 0; offset < image.length; offset += 1000) {
      expect(esp_ota_write(app, handle, image.subarray(offset, offset + 1000))).toBe(EspErr.ESP_OK);
    }
    expect(esp_ota_end(app, handle)).toBe(EspErr.ESP_OK);
    expect(esp_ota_set_boot_partition(app, partition(app, "ota_0"))).toBe(EspErr.ESP_OK);
    expect(otadataOf(hardware)[0]).toBe(states[0]);
    const updated = start(hardware, { rollback });
    expect(esp_app_get_description(updated)?.version).toBe("2.0.0");
    expect(otadataOf(hardware)[0]).toBe(states[1]);
    expect(esp_ota_mark_app_valid_cancel_rollback(updated)).toBe(EspErr.ESP_OK);
    expect(otadataOf(hardware)[0]).toBe(states[2]);
    expect(hardware.flash.violations).toEqual([]);
    expect(hardware.flash.wear(partition(app, "ota_0").address / 4096)).toBe(1); // each sector erased once
  });

  test("erases the whole partition, the rounded size, or sector by sector", () => {
    const erased = (imageSize: number) => {
      const app = start(board({ otadata: [entry(1, VALID), undefined] }));
      esp_ota_begin(app, partition(app, "ota_1"), imageSize);
      return app.flash.counters.sectorErases;
    };
    expect([0, OTA_SIZE_UNKNOWN, 1, 0x1000, 0x1001, OTA_WITH_SEQUENTIAL_WRITES].map(erased)).toEqual([
      16, 16, 1, 1, 2, 0,
    ]);
  });

  test("rejects partitions that can't be updated", () => {
    const app = start(board({ factory: true, otadata: [entry(1, VALID), undefined] }));
    const err = (label: string) => esp_ota_begin(app, partition(app, label), 0).err;
    expect(esp_ota_begin(app, undefined, 0).err).toBe(EspErr.ESP_ERR_INVALID_ARG);
    expect(esp_ota_begin(app, { ...partition(app, "ota_1"), size: 1 }, 0).err).toBe(EspErr.ESP_ERR_NOT_FOUND);
    expect(err("factory")).toBe(EspErr.ESP_ERR_INVALID_ARG);
    expect(err("ota_0")).toBe(EspErr.ESP_ERR_OTA_PARTITION_CONFLICT);
    expect(err("nvs")).toBe(EspErr.ESP_OK); // data partitions are written without further checks
    expect(esp_ota_write(app, 1, Uint8Array.of(1, 2, 3))).toBe(EspErr.ESP_OK);
    expect(esp_ota_end(app, 1)).toBe(EspErr.ESP_OK);
    expect(esp_ota_write(app, 1, Uint8Array.of(1))).toBe(EspErr.ESP_ERR_INVALID_ARG);
  });
});
