import { NvsStore, readNvsPartition } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { type IdfRelease, type IdfReleaseName, idfRelease } from "../../src/idf-release/idf-release.ts";
import { NVS_BEHAVIORS, type NvsBehavior } from "../../src/idf-release/nvs-behaviors.ts";
import { type NvsVector, replayNvsVector } from "./replay-nvs-vector.ts";
import { readVectors, recordedReleases, VECTOR_FOLDER } from "./vector-files.ts";
import { VectorPartition } from "./vector-partition.ts";

/** Replays the cases of a release. @returns The first differences, one for each case that has any. */
function replayNvs(
  release: IdfReleaseName,
  behaviors: IdfRelease["behaviors"] = idfRelease(release).behaviors,
  until = 20,
): readonly string[] {
  const differences: string[] = [];
  for (const vector of readVectors<NvsVector>("nvs", release)) {
    const difference = replayNvsVector(vector, behaviors);
    if (difference !== undefined) differences.push(difference);
    if (differences.length >= until) break;
  }
  return differences;
}

test.for(recordedReleases("nvs"))("NVS does what ESP-IDF %s did in every recorded case", (release) => {
  expect(replayNvs(release)).toEqual([]);
});

const COVERED = (Object.keys(NVS_BEHAVIORS) as NvsBehavior[]).filter((name) => NVS_BEHAVIORS[name].judge === "vectors");

/** Other folders need not have a case for each row. */
const isOwnFolder = VECTOR_FOLDER === import.meta.dirname;

test.skipIf(!isOwnFolder).for(COVERED)("catches a mutant of %s with a recorded case", (name) => {
  const isCaught = recordedReleases("nvs").some((release) => {
    const { behaviors } = idfRelease(release);
    return replayNvs(release, { ...behaviors, [name]: !behaviors[name] }, 1).length > 0;
  });
  expect(isCaught).toBe(true);
});

/** What an app finds in a partition, in the order of its pages. */
function valuesOf(cells: Uint8Array): readonly unknown[] {
  return readNvsPartition(cells).entries.map(({ namespace, key, type, value }) => ({ namespace, key, type, value }));
}

test.skipIf(!isOwnFolder)("readNvsPartition finds the values before every recorded start that exist after it", () => {
  let [openedCount, refusedCount] = [0, 0];
  const { behaviors } = idfRelease("6.2-dev");
  for (const vector of readVectors<NvsVector>("nvs", "6.2-dev")) {
    replayNvsVector(vector, behaviors, (cells) => {
      const partition = new VectorPartition(cells.length);
      partition.load(0, cells);
      const { problems } = readNvsPartition(cells);
      const expected = valuesOf(cells);
      if (NvsStore.open(partition).err !== 0) {
        // With fewer pages a partition is read-only and needs no free page.
        if (vector.pages >= 3) expect(problems.length, vector.id).toBeGreaterThan(0);
        refusedCount++;
        return;
      }
      openedCount++;
      expect(valuesOf(partition.cells), vector.id).toEqual(expected);
    });
  }
  expect(openedCount).toBeGreaterThan(1000);
  expect(refusedCount).toBeGreaterThan(10);
});
