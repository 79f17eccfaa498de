import { expect, test } from "vitest";
import { readVectors, recordedReleases, VECTOR_FOLDER, type VectorKind } from "./vector-files.ts";

/** Cases of a release and kind in the folder of this repository. */
const CASES: Readonly<Record<VectorKind, number>> = { boot: 1800, app: 1800, nvs: 720 };

test.skipIf(VECTOR_FOLDER !== import.meta.dirname)("has all vectors of every recorded release", () => {
  const withoutNvsOnly = ["4.4.8", "5.1.7", "5.3.5", "5.5.5", "6.0.2", "6.2-dev"];
  expect(recordedReleases("boot")).toEqual(withoutNvsOnly);
  expect(recordedReleases("app")).toEqual(withoutNvsOnly);
  expect(recordedReleases("nvs")).toEqual(["4.4.8", "5.1.7", "5.3.5", "5.5.1", "5.5.5", "6.0.2", "6.2-dev"]);
  for (const kind of ["boot", "app", "nvs"] as const) {
    for (const release of recordedReleases(kind)) expect(readVectors(kind, release)).toHaveLength(CASES[kind]);
  }
});
