import fc from "fast-check";
import { expect, test } from "vitest";
import { parsePartitionCsv } from "../image/partition-csv.ts";
import { AppSubtype, DataSubtype, PartitionType } from "../image/partition-names.ts";
import { findPartition, otaSlots } from "../image/partition-table.ts";
import { suggestOtaTable } from "./suggest-table.ts";

const MIB = 0x10_0000;
const entriesOf = (csv: string) => parsePartitionCsv(csv).entries;
const GATEWAY =
  "nvs,data,nvs,0x9000,0x6000\nphy_init,data,phy,,0x1000\nfactory,app,factory,0x10000,3M\nstorage,data,spiffs,,1M\n";

test("suggests two slots for a factory-only table on 8 MiB, and keeps NVS in place", () => {
  const suggestion = suggestOtaTable(entriesOf(GATEWAY), 8 * MIB, 0x8000);
  const table = parsePartitionCsv(suggestion?.csv ?? "");
  expect(table.entries.map(({ label, offset, size }) => [label, offset, size])).toEqual([
    ["nvs", 0x9000, 0x6000],
    ["phy_init", 0xf000, 0x1000],
    ["otadata", 0x1_0000, 0x2000],
    ["ota_0", 0x2_0000, 0x37_0000],
    ["ota_1", 0x39_0000, 0x37_0000],
    ["storage", 0x70_0000, 0x10_0000],
  ]);
});

test("shrinks data partitions if both slots and the data don't fit", () => {
  const csv = "nvs,data,nvs,0x9000,0x6000\nfactory,app,factory,0x10000,0x1A0000\nstorage,data,spiffs,,0x200000\n";
  const suggestion = suggestOtaTable(entriesOf(csv), 4 * MIB, 0x8000);
  expect(suggestion?.slotSize).toBe(0x1a_0000);
  const storage = findPartition(parsePartitionCsv(suggestion!.csv), PartitionType.DATA, DataSubtype.SPIFFS);
  expect(storage?.size).toBe(4 * MIB - 0x2_0000 - 2 * 0x1a_0000);
});

test("suggests nothing for a flash that is too small", () => {
  expect(suggestOtaTable(entriesOf(GATEWAY), 0x2_0000, 0x8000)).toBeUndefined();
});

test("every suggestion passes ESP-IDF's checks, fits the flash, has two equal slots and otadata, and keeps NVS in place", () => {
  const anyTable = fc.record({
    nvsSize: fc.integer({ min: 3, max: 16 }).map((sectors) => sectors * 0x1000),
    otadata: fc.boolean(),
    factorySize: fc.integer({ min: 1, max: 48 }).map((pages) => pages * 0x1_0000),
    dataSizes: fc.array(
      fc.integer({ min: 1, max: 800 }).map((sectors) => sectors * 0x1000),
      { maxLength: 3 },
    ),
    flashSize: fc.constantFrom(1, 2, 4, 8, 16, 32).map((size) => size * MIB),
  });
  fc.assert(
    fc.property(anyTable, ({ nvsSize, otadata, factorySize, dataSizes, flashSize }) => {
      const rows = [
        `nvs,data,nvs,0x9000,${nvsSize}`,
        ...(otadata ? ["otadata,data,ota,,0x2000"] : []),
        `factory,app,factory,,${factorySize}`,
        ...dataSizes.map((size, index) => `data${index},data,fat,,${size}`),
      ];
      const suggestion = suggestOtaTable(entriesOf(rows.join("\n")), flashSize, 0x8000);
      const table = parsePartitionCsv(suggestion?.csv ?? "");
      expect(otaSlots(table).map(({ size }) => size)).toEqual([suggestion?.slotSize, suggestion?.slotSize]);
      expect(findPartition(table, PartitionType.DATA, DataSubtype.OTA)?.size).toBe(0x2000);
      expect(findPartition(table, PartitionType.APP, AppSubtype.FACTORY)).toBeUndefined();
      expect(table.entries[0]).toMatchObject({ label: "nvs", offset: 0x9000, size: nvsSize });
      for (const { offset, size } of table.entries) expect(offset + size).toBeLessThanOrEqual(flashSize);
    }),
  );
});
