// What `readNvsPartition` of ota-core reads without writing is what the simulated `nvs_…` functions read after
// `nvs_flash_init`: after clean runs, and after power was cut before, inside and after any flash operation.

import { NVS_PAGE_SIZE, type NvsPartition, readNvsPartition } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { PowerCut } from "../../src/flash/power-cut.ts";
import {
  type NvsHandle,
  nvs_erase_key,
  nvs_flash_init,
  nvs_get_blob,
  nvs_get_i64,
  nvs_get_str,
  nvs_get_u8,
  nvs_get_u32,
  nvs_open,
  nvs_set_blob,
  nvs_set_i64,
  nvs_set_str,
  nvs_set_u8,
  nvs_set_u32,
} from "../../src/nvs/nvs.ts";
import { createRandom, type Random } from "../../src/random/random.ts";
import { ERASE_TEARS, type NvsCut, NvsFlash, PROGRAM_TEARS } from "./nvs-flash.ts";

const NAMESPACES = ["app", "wifi"] as const;
const KEYS = ["a", "b", "record", "fifteen_bytes_k"] as const;
const TYPES = ["u8", "u32", "i64", "string", "blob"] as const;

type Value = number | bigint | string | Uint8Array | undefined;

function write(handle: NvsHandle, key: string, random: Random): void {
  switch (TYPES[random.integer(0, TYPES.length - 1)]) {
    case "u8":
      nvs_set_u8(handle, key, random.integer(0, 255));
      break;
    case "u32":
      nvs_set_u32(handle, key, random.uint32());
      break;
    case "i64":
      nvs_set_i64(handle, key, -BigInt(random.uint32()));
      break;
    case "string":
      nvs_set_str(handle, key, "x".repeat(random.integer(0, 200)));
      break;
    default:
      nvs_set_blob(handle, key, random.bytes(random.integer(0, random.bool(0.2) ? 6000 : 100)));
  }
}

function act(handle: NvsHandle, random: Random): void {
  const key = KEYS[random.integer(0, KEYS.length - 1)] ?? "a";
  if (random.bool(0.15)) nvs_erase_key(handle, key);
  else write(handle, key, random);
}

function readBySimulator(handle: NvsHandle, key: string, type: string): Value {
  if (type === "u8") return nvs_get_u8(handle, key).value;
  if (type === "u32") return nvs_get_u32(handle, key).value;
  if (type === "i64") return nvs_get_i64(handle, key).value;
  return type === "string" ? nvs_get_str(handle, key).value : nvs_get_blob(handle, key).value;
}

/** Reads the same cells both ways. Whether the partition could be opened. */
function compare(cells: Uint8Array, seed: string): boolean {
  const before = cells.slice();
  const partition: NvsPartition = readNvsPartition(cells);
  expect(cells, seed).toEqual(before);
  const { err, nvs } = nvs_flash_init(new NvsFlash(cells));
  if (nvs === undefined) {
    expect(partition.problems.length, `${seed}: nvs_flash_init gave ${err}`).toBeGreaterThan(0);
    return false;
  }
  for (const namespace of NAMESPACES) {
    const { handle } = nvs_open(nvs, namespace, "readonly");
    for (const key of KEYS) {
      for (const type of TYPES) {
        const found = partition.entries.filter(
          (entry) => entry.namespace === namespace && entry.key === key && entry.type === type,
        );
        expect(found.length, `${seed}: ${namespace}:${key} as ${type} is there at most once`).toBeLessThan(2);
        const expected = handle === undefined ? undefined : readBySimulator(handle, key, type);
        expect(found[0]?.value, `${seed}: ${namespace}:${key} as ${type}`).toEqual(expected);
      }
    }
  }
  return true;
}

function open(flash: NvsFlash, random: Random): NvsHandle | undefined {
  flash.powerOn();
  const { nvs } = nvs_flash_init(flash);
  const namespace = NAMESPACES[random.integer(0, 1)] ?? "app";
  return nvs === undefined ? undefined : nvs_open(nvs, namespace, "readwrite").handle;
}

function cutOf(random: Random): NvsCut {
  const moment = (["before", "during", "after"] as const)[random.integer(0, 2)] ?? "after";
  const programTear = PROGRAM_TEARS[random.integer(0, PROGRAM_TEARS.length - 1)];
  const eraseTear = ERASE_TEARS[random.integer(0, ERASE_TEARS.length - 1)];
  const operation = random.integer(1, random.bool(0.3) ? 150 : 8);
  return {
    operation,
    moment,
    seed: random.uint32(),
    ...(programTear && { programTear }),
    ...(eraseTear && { eraseTear }),
  };
}

test("reads back what nvs_set_… wrote, across page changes and erases", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = createRandom(seed);
    const flash = new NvsFlash(random.integer(3, 6) * NVS_PAGE_SIZE);
    for (const namespace of NAMESPACES) {
      const { nvs } = nvs_flash_init(flash);
      const { handle } = nvs_open(nvs!, namespace, "readwrite");
      for (let count = random.integer(1, 80); count > 0; count--) act(handle!, random);
    }
    expect(compare(flash.cells, `seed ${seed}`)).toBe(true);
    expect(readNvsPartition(flash.cells).problems, `seed ${seed}`).toEqual([]);
  }
});

test("finds the values that the device finds after a power cut at any operation", () => {
  let openedCount = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const random = createRandom(seed);
    const flash = new NvsFlash(random.integer(3, 5) * NVS_PAGE_SIZE);
    for (let cutCount = 0; cutCount < 3; cutCount++) {
      const handle = open(flash, random);
      if (handle === undefined) break;
      for (let count = random.integer(0, 60); count > 0; count--) act(handle, random);
      flash.arm(cutOf(random));
      try {
        for (let count = 0; count < 200; count++) act(handle, random);
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
      }
      flash.disarm();
      if (compare(flash.cells, `seed ${seed}, cut ${cutCount}`)) openedCount++;
    }
  }
  expect(openedCount).toBeGreaterThan(500);
});
