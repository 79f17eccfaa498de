import { OtaImageState, PartitionFlag, PartitionType } from "@tinybms/ota-core/esp";
import { describe, expect, test } from "vitest";
import { board, entry, partition, SLOT_SIZE, start } from "../../test/board-spec.ts";
import { EspAbort } from "../esp-err/esp-abort.ts";
import { EspErr } from "../esp-err/esp-err.ts";
import {
  ESP_PARTITION_SUBTYPE_ANY,
  ESP_PARTITION_TYPE_ANY,
  esp_partition_erase_range,
  esp_partition_find_first,
  esp_partition_read,
  esp_partition_verify,
  esp_partition_write,
} from "./esp-partition.ts";

/** An app running in ota_0 of a board with a read-only nvs. */
const running = () =>
  start(
    board({
      factory: true,
      otadata: [entry(1, OtaImageState.VALID), undefined],
      table: (entries) => ({
        entries: entries.map((e) => (e.label === "nvs" ? { ...e, flags: PartitionFlag.READONLY } : e)),
      }),
    }),
  );

test("finds partitions by type, subtype and label, in the order of the table", () => {
  const app = running();
  const find = (...args: [number, number, string?]) => esp_partition_find_first(app, ...args)?.label;
  expect(find(PartitionType.APP, ESP_PARTITION_SUBTYPE_ANY)).toBe("factory");
  expect(find(PartitionType.APP, 0x11)).toBe("ota_1");
  expect(find(PartitionType.DATA, ESP_PARTITION_SUBTYPE_ANY, "phy_init")).toBe("phy_init");
  expect(find(PartitionType.DATA, 0x02, "other")).toBeUndefined();
  expect(find(ESP_PARTITION_TYPE_ANY, ESP_PARTITION_SUBTYPE_ANY)).toBe("nvs");
  expect(find(ESP_PARTITION_TYPE_ANY, 0x11)).toBeUndefined();
});

test("verifies a partition only if all members match the table", () => {
  const app = running();
  const slot = partition(app, "ota_1");
  expect(esp_partition_verify(app, { ...slot })).toBe(slot);
  expect(esp_partition_verify(app, { ...slot, label: "" })).toBe(slot);
  expect(esp_partition_verify(app, { ...slot, size: slot.size - 0x1000 })).toBeUndefined();
});

describe("checks in ESP-IDF's order", () => {
  const { ESP_ERR_INVALID_ARG, ESP_ERR_INVALID_SIZE, ESP_ERR_NOT_ALLOWED, ESP_OK } = EspErr;

  test.for([
    { offset: 0, size: SLOT_SIZE, err: ESP_OK },
    { offset: SLOT_SIZE, size: 0, err: ESP_OK },
    { offset: SLOT_SIZE + 1, size: 0, err: ESP_ERR_INVALID_ARG },
    { offset: 0, size: SLOT_SIZE + 1, err: ESP_ERR_INVALID_SIZE },
    { offset: SLOT_SIZE - 1, size: 2, err: ESP_ERR_INVALID_SIZE },
  ])("returns $err for reading and writing $size bytes at $offset", ({ offset, size, err }) => {
    const app = running();
    const slot = partition(app, "ota_1");
    const read = esp_partition_read(app, slot, offset, size);
    expect(read.err).toBe(err);
    expect(read.data.length).toBe(err === ESP_OK ? size : 0);
    expect(esp_partition_write(app, slot, offset, new Uint8Array(size))).toBe(err);
  });

  test.for([
    { offset: 0, size: SLOT_SIZE, err: ESP_OK },
    { offset: 0x1000, size: 0, err: ESP_OK },
    { offset: SLOT_SIZE + 1, size: 1, err: ESP_ERR_INVALID_ARG },
    { offset: 0, size: SLOT_SIZE + 0x1000, err: ESP_ERR_INVALID_SIZE },
    { offset: 1, size: 1, err: ESP_ERR_INVALID_SIZE },
    { offset: 1, size: 0x1000, err: ESP_ERR_INVALID_ARG },
  ])("returns $err for erasing $size bytes at $offset", ({ offset, size, err }) => {
    const app = running();
    expect(esp_partition_erase_range(app, partition(app, "ota_1"), offset, size)).toBe(err);
    expect(app.flash.violations).toEqual([]);
  });

  test("allows only reads of a read-only partition", () => {
    const app = running();
    const nvs = partition(app, "nvs");
    expect(esp_partition_read(app, nvs, 0, 4).err).toBe(ESP_OK);
    expect(esp_partition_write(app, nvs, 0x10000, Uint8Array.of(0))).toBe(ESP_ERR_NOT_ALLOWED);
    expect(esp_partition_erase_range(app, nvs, 1, 1)).toBe(ESP_ERR_NOT_ALLOWED);
  });
});

test("clears bits when writing, and sets them only by an erase", () => {
  const app = running();
  const slot = partition(app, "ota_1");
  expect(esp_partition_erase_range(app, slot, 0, 0x1000)).toBe(EspErr.ESP_OK);
  esp_partition_write(app, slot, 10, Uint8Array.of(0xf0));
  expect(esp_partition_write(app, slot, 10, Uint8Array.of(0x0f))).toBe(EspErr.ESP_OK);
  expect(esp_partition_read(app, slot, 10, 1).data).toEqual(Uint8Array.of(0));
  expect(app.flash.violations.map(({ kind }) => kind)).toEqual(["program-without-erase"]);
});

test("aborts writes to the running app or the partition table, with nothing changed", () => {
  const app = running();
  const slot = partition(app, "ota_0");
  const table = { ...slot, address: 0x8c00, size: 0x1000 };
  const below = { ...slot, address: slot.address - 0x1000, size: 0x2000 };
  for (const { address, ...rest } of [slot, table]) {
    const target = { address, ...rest };
    expect(() => esp_partition_write(app, target, 0, Uint8Array.of(0))).toThrow(EspAbort);
    expect(() => esp_partition_erase_range(app, target, 0, 0x1000)).toThrow(EspAbort);
  }
  expect(() => esp_partition_erase_range(app, below, 0, 0x2000)).toThrow(/would change the running app/);
  expect(app.flash.operationCount).toBe(0);
  expect(esp_partition_erase_range(app, below, 0, 0x1000)).toBe(EspErr.ESP_OK);
});

test("rejects reads of a partition beyond the flash", () => {
  const app = running();
  const beyond = { ...partition(app, "ota_1"), address: app.flash.sizeBytes };
  expect(esp_partition_read(app, beyond, 0, 16)).toMatchObject({ err: EspErr.ESP_ERR_INVALID_ARG });
  expect(esp_partition_write(app, beyond, 0, Uint8Array.of(0))).toBe(EspErr.ESP_ERR_INVALID_ARG);
});
