import assert from "node:assert/strict";
import { createBench } from "@tinybms/firmware-sim/testkit";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { deployRelease } from "@tinybms/ota-publisher";
import { test } from "vitest";

test("the update survives a power cut in the middle", async () => {
  const app = buildAppImage({ projectName: "tinybms-gateway", version: "0.9.0" }); // or your last release
  await using bench = await createBench({ app, faults: ["bench-1:power-cut@at=50%"] });
  const release = { manifest: "ota/manifest.json", version: "1.0.0" };
  const { deliveries } = await deployRelease({ ...release, broker: bench.broker, devices: ["bench-1"] });
  const [device] = deliveries.flatMap(({ devices }) => devices);
  assert.deepEqual([device?.state, device?.version], ["confirmed", "1.0.0"]);
  assert(bench.log.some(({ type }) => type === "power-cut"));
});
