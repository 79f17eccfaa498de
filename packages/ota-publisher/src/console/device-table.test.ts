import { expect, test } from "vitest";
import { deviceTable } from "./device-table.ts";
import type { ShownDevice } from "./device-text.ts";

const DEVICE: ShownDevice = {
  device: "bench-1",
  state: "confirmed",
  version: "1.2.3",
  slot: "ota_1",
  received: 10,
  total: 10,
  online: true,
  error: undefined,
  heardAtMs: 900,
  endedAtMs: 12_340,
};

test("shows each device's result, running release, time and error", () => {
  const devices: ShownDevice[] = [
    DEVICE,
    {
      ...DEVICE,
      device: "gateway-in-the-basement",
      state: "rolled-back",
      version: "1.2.2",
      releases: [],
      slot: "ota_0",
      error: { code: "delivery/self-test-failed", message: "no\nsensor" },
    },
    {
      ...DEVICE,
      device: "x",
      state: undefined,
      version: undefined,
      slot: undefined,
      online: false,
      endedAtMs: undefined,
    },
  ];
  expect(deviceTable(devices, (_, text) => text)).toEqual([
    "device                   state         release  slot   time    error",
    "bench-1                  confirmed     1.2.3    ota_1  12.3 s",
    "gateway-in-the-basement  rolled-back   (1.2.2)  ota_0  12.3 s  delivery/self-test-failed: no sensor",
    "x                        not heard of  -        -      -",
  ]);
});

test("colour does not shift the columns", () => {
  const [, row] = deviceTable([DEVICE], (style, text) => `<${style}>${text}</>`);
  expect(row).toBe("bench-1  <green>confirmed</>  1.2.3    ota_1  12.3 s");
});
