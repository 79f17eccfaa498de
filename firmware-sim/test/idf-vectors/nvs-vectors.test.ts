import { expect, test } from "vitest";
import { type IdfRelease, type IdfReleaseName, idfRelease } from "../../src/idf-release/idf-release.ts";
import { NVS_BEHAVIORS, type NvsBehavior } from "../../src/idf-release/nvs-behaviors.ts";
import { type NvsVector, replayNvsVector } from "./replay-nvs-vector.ts";
import { readVectors, recordedReleases } from "./vector-files.ts";

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

test.for(COVERED)("a mutant of %s is caught by a recorded case", (name) => {
  const isCaught = recordedReleases("nvs").some((release) => {
    const { behaviors } = idfRelease(release);
    return replayNvs(release, { ...behaviors, [name]: !behaviors[name] }, 1).length > 0;
  });
  expect(isCaught).toBe(true);
});
