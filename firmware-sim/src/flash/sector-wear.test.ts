import { expect, test } from "vitest";
import { SectorWear } from "./sector-wear.ts";

test("counts erases by sector, also beyond one byte, and independently of its copies", () => {
  const wear = new SectorWear(3);
  wear.count(0);
  for (let erases = 0; erases < 255; erases++) wear.count(2);
  const copy = wear.copy();
  for (let erases = 0; erases < 70_000; erases++) copy.count(2);
  expect([0, 1, 2, 3].map((sector) => wear.of(sector))).toEqual([1, 0, 255, 0]);
  expect([0, 1, 2].map((sector) => copy.of(sector))).toEqual([1, 0, 70_255]);
});
