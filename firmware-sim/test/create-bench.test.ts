import { buildAppImage } from "@tinybms/ota-core/esp";
import { connectAsync } from "mqtt";
import { expect, test } from "vitest";
import { createBench } from "../src/testkit/index.ts";

test("starts the devices on their own broker, and stops both when it is disposed of", async () => {
  const app = buildAppImage({ chip: "esp32c3", version: "1.2.3", sizeBytes: 20_000 });
  let url = "";
  {
    await using bench = await createBench({ devices: 2, app });
    await bench.untilAll("idle");
    url = bench.broker;
    expect(bench.devices.map(({ device }) => device.summary())).toMatchObject([
      { device: "bench-1", version: "1.2.3", slot: "ota_0" },
      { device: "bench-2", version: "1.2.3", slot: "ota_0" },
    ]);
    expect(bench.log.length).toBeGreaterThan(0);
  }
  await expect(connectAsync(url, { reconnectPeriod: 0 }, false)).rejects.toThrow();
});

test("accepts names and faults, and rejects an invalid fault before anything starts", async () => {
  await using bench = await createBench({ devices: ["left", "right"], faults: ["left:self-test=fail"] });
  expect(bench.devices.map(({ device }) => device.id)).toEqual(["left", "right"]);
  await expect(createBench({ faults: ["left:explode"] })).rejects.toMatchObject({ code: "simulation/invalid-fault" });
});
