// Each row of the table of bootloader and app is turned around: vectors that don't notice would prove nothing.

import { expect, test } from "vitest";
import { APP_BEHAVIORS, type AppBehavior } from "../../src/idf-release/app-behaviors.ts";
import { type IdfRelease, type IdfReleaseName, idfRelease } from "../../src/idf-release/idf-release.ts";
import { replayAll } from "./replay-all.ts";
import type { BoardVector } from "./vector-board.ts";
import { readVectors, recordedReleases } from "./vector-files.ts";

const ROWS = Object.keys(APP_BEHAVIORS) as AppBehavior[];
/** Rows that say whether there is a function: without it there is nothing to call. */
const CALLS = ROWS.filter((name) => name.startsWith("has"));

function mutantOf(release: IdfReleaseName, name: AppBehavior): IdfRelease {
  const { behaviors } = idfRelease(release);
  // What esp_ota_begin calls has to be there.
  const called = name === "beginInvalidatesInactiveEntry" ? { hasInvalidateInactiveSlot: true } : {};
  return { name: release, behaviors: { ...behaviors, ...called, [name]: !behaviors[name] } };
}

/** The first difference that turning a row around makes, in any case of a release. */
function firstDifference(release: IdfReleaseName, name: AppBehavior): string | undefined {
  const idf = mutantOf(release, name);
  return replayAll("app", release, { idf, until: 1 })[0] ?? replayAll("boot", release, { idf, until: 1 })[0];
}

test.for(ROWS)("the vectors of a release with %s notice where it is missing", (name) => {
  const release = recordedReleases("app").find((known) => idfRelease(known).behaviors[name]);
  expect(release).toBeDefined();
  if (CALLS.includes(name)) expect(() => firstDifference(release!, name)).toThrow(`ESP-IDF ${release} has no`);
  else expect(firstDifference(release!, name)).toBeDefined();
});

test.for(ROWS.filter((name) => !CALLS.includes(name)))(
  "the vectors of a release without %s notice where it is there",
  (name) => {
    // The newest one: what is missing in an older one too may lack the call that shows it.
    const release = recordedReleases("app").findLast((known) => !idfRelease(known).behaviors[name]);
    expect(release).toBeDefined();
    expect(firstDifference(release!, name)).toBeDefined();
  },
);

test("calls each function in the vectors exactly on the releases that have it", () => {
  for (const release of recordedReleases("app")) {
    const calls = new Set(
      readVectors<BoardVector>("app", release).flatMap(({ steps }) => steps.map(({ call }) => call)),
    );
    for (const name of CALLS) {
      expect(calls.has(APP_BEHAVIORS[name].call), `${APP_BEHAVIORS[name].call} on ${release}`).toBe(
        idfRelease(release).behaviors[name],
      );
    }
  }
});
