import { isOtaError } from "@tinybms/ota-core";
import { buildAppImage, parsePartitionCsv, TWO_OTA_PARTITION_CSV } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { createDevice, createHardware } from "./create-device.ts";
import { partitionBytes } from "./device-partitions.ts";

const APP = buildAppImage({ version: "1.2.3", chip: "esp32c3" });

test("creates a device for the chip of its app, which boots from ota_0", () => {
  const device = createDevice({ id: "a", app: APP });
  expect(device.hardware.chip.name).toBe("esp32c3");
  expect(device.status).toBe("off");
  device.boot(0);
  expect(device.summary()).toMatchObject({ device: "a", state: "idle", version: "1.2.3", slot: "ota_0", bootCount: 1 });
});

test("flashes the app into factory if there is one", () => {
  const device = createDevice({ id: "a", app: APP, partitionTable: parsePartitionCsv(TWO_OTA_PARTITION_CSV) });
  device.boot(0);
  expect(device.summary()).toMatchObject({ slot: "factory", otadata: [null, null] });
});

test("boots a dump as the device that it was read from", () => {
  const device = createDevice({ id: "a", app: APP });
  device.boot(0);
  const copy = createDevice({ id: "b", chip: "esp32c3", flashDump: device.hardware.flash.dump() });
  copy.boot(0);
  expect(copy.summary()).toMatchObject({ version: "1.2.3", slot: "ota_0", bootCount: 2 });
});

test("resets in a loop without an app", () => {
  const device = createDevice({ id: "a" });
  const [entry] = device.boot(0);
  expect(device.summary()).toMatchObject({ state: "reset-loop", version: null, slot: null, bootCount: 0 });
  expect(entry).toMatchObject({ type: "log", entry: { type: "reset-loop", reason: "no-bootable-app" } });
});

test("rejects a part that is larger than its partition", () => {
  const app = new Uint8Array(1700 * 1024 + 1);
  expect(() => createHardware({ app })).toThrow("1740801 bytes don't fit into ota_0, which holds only 1740800");
  expect(() => createHardware({ bootloader: new Uint8Array(0x7001) })).toThrow("the space before the partition table");
  const entries = parsePartitionCsv("factory, app, factory, 0x10000, 1M").entries;
  try {
    createHardware({ partitionTable: { entries }, nvs: new Uint8Array(4096) });
    expect.unreachable();
  } catch (error) {
    expect(isOtaError(error, "simulation/does-not-fit")).toBe(true);
  }
});

test("counts boots across resets and power loss, and starts again if NVS has no free page", () => {
  const device = createDevice({ id: "a", app: APP });
  for (let count = 1; count <= 3; count++) {
    device.boot(count);
    device.cutPower();
  }
  expect(device.summary()).toMatchObject({ state: "off", bootCount: 3 });
  // Cells that are all 0: no page of NVS can be written any more.
  const nvs = partitionBytes(device.hardware.flash, "nvs").fill(0);
  const worn = createDevice({ id: "a", app: APP, nvs });
  worn.boot(0);
  expect(worn.summary()).toMatchObject({ state: "idle", bootCount: 1 });
  worn.boot(1);
  expect(worn.summary()).toMatchObject({ bootCount: 2 });
});
