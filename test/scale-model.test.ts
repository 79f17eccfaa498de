import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { estimateDelivery, scaleTable } from "../bench/scale-model.ts";
import { measureDelivery } from "../bench/scale-world.ts";

test.for([100, 1_000])("the model's numbers for %i devices are those of a simulated world", (devices) => {
  const delivery = { devices, sizeBytes: 32 * 4_096, rate: 65_536 };
  const [model, world] = [estimateDelivery(delivery), measureDelivery(delivery)];
  expect(world.chunks).toBe(model.chunks);
  expect(world.brokerBytes).toBe(model.brokerBytes);
  const ratio = (name: "requests" | "reports" | "downloadMs"): number => world[name] / model[name];
  for (const name of ["requests", "downloadMs"] as const) {
    expect(ratio(name), name).toBeGreaterThan(0.95);
    expect(ratio(name), name).toBeLessThan(1.05);
  }
  expect(ratio("reports")).toBeGreaterThan(0.85);
  expect(ratio("reports")).toBeLessThan(1.15);
});

test("docs/scale.md has the table of the model", () => {
  const page = readFileSync(new URL("../docs/scale.md", import.meta.url), "utf8");
  expect(page).toContain(scaleTable());
});
