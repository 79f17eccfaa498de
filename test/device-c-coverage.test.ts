import { expect, test } from "vitest";
import { measureCoverage, missingCoverageTools, shareOf } from "../scripts/device-coverage.ts";

/** Smallest share of branches of the device code that vectors must take. */
const SHARE_MIN = 0.95;

test("the vectors take 95 of 100 branches of the device code in C", async ({ skip }) => {
  const missing = missingCoverageTools();
  if (missing.length > 0) skip(`not installed: ${missing.join(", ")}`);
  const files = await measureCoverage();
  expect(files.length).toBeGreaterThan(20);
  expect(shareOf(files)).toBeGreaterThanOrEqual(SHARE_MIN);
});
