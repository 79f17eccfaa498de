import { expect, test } from "vitest";
import {
  askedIdfRelease,
  IDF_BEHAVIORS,
  IDF_RELEASE_NAMES,
  idfRelease,
  matchIdfRelease,
  possibleReleases,
} from "./idf-release.ts";
import { parseIdfVersion } from "./idf-version.ts";

test.for([
  { version: "v5.5.5", release: "5.5.5", isExact: true, neighbors: ["5.5.5"] },
  { version: "5.1.7", release: "5.1.7", isExact: true, neighbors: ["5.1.7"] },
  { version: "v6.2-dev", release: "6.2-dev", isExact: true, neighbors: ["6.2-dev"] },
  { version: "v5.5.5-dirty", release: "5.5.5", isExact: false, neighbors: ["5.5.5"] },
  { version: "v5.5.5-12-g0123abcdef", release: "5.5.5", isExact: false, neighbors: ["5.5.5", "6.0.2"] },
  { version: "v6.2-dev-4242-g10212290", release: "6.2-dev", isExact: false, neighbors: ["6.2-dev"] },
  { version: "v3.3.6", release: "4.4.8", isExact: false, neighbors: ["4.4.8"] },
  { version: "v4.4.5", release: "4.4.8", isExact: false, neighbors: ["4.4.8"] },
  { version: "v5.0.2", release: "5.1.7", isExact: false, neighbors: ["4.4.8", "5.1.7"] },
  { version: "v5.2", release: "5.1.7", isExact: false, neighbors: ["5.1.7", "5.3.5"] },
  { version: "v5.4-dirty", release: "5.3.5", isExact: false, neighbors: ["5.3.5", "5.5.1"] },
  { version: "v5.5", release: "5.5.1", isExact: false, neighbors: ["5.3.5", "5.5.1"] },
  { version: "v5.5.2", release: "5.5.1", isExact: false, neighbors: ["5.5.1", "5.5.5"] },
  { version: "v6.0", release: "6.0.2", isExact: false, neighbors: ["5.5.5", "6.0.2"] },
  { version: "v6.0-rc1", release: "6.0.2", isExact: false, neighbors: ["5.5.5", "6.0.2"] },
  { version: "v6.1", release: "6.0.2", isExact: false, neighbors: ["6.0.2", "6.2-dev"] },
  { version: "v7.1.3", release: "6.2-dev", isExact: false, neighbors: ["6.2-dev"] },
  { version: "arduino-2.0.14", release: "6.2-dev", isExact: false, neighbors: ["4.4.8", "6.2-dev"] },
  { version: "", release: "6.2-dev", isExact: false, neighbors: ["4.4.8", "6.2-dev"] },
  { version: undefined, release: "6.2-dev", isExact: false, neighbors: ["4.4.8", "6.2-dev"] },
])("simulates $release for version $version", ({ version, release, isExact, neighbors }) => {
  const match = matchIdfRelease(version);
  expect(match.release.name).toBe(release);
  expect(match.isExact).toBe(isExact);
  expect(match.neighbors.map(({ name }) => name)).toEqual(neighbors);
});

test("chooses the newest known release of a branch for a short form", () => {
  const asked = (text: string) => {
    const match = askedIdfRelease(text);
    return match === undefined ? undefined : [match.release.name, match.isExact];
  };
  expect(asked("5.5")).toEqual(["5.5.5", true]);
  expect(asked("v4.4")).toEqual(["4.4.8", true]);
  expect(asked("5.4")).toEqual(["5.3.5", false]);
  expect(asked("5.5.1")).toEqual(["5.5.1", true]);
  expect(asked("newest")).toBeUndefined();
});

test("returns both neighbors of a version between two releases, unless they behave the same", () => {
  const possible = (version: string) => possibleReleases(matchIdfRelease(version)).map(({ name }) => name);
  expect(possible("v5.4-dirty")).toEqual(["5.3.5", "5.5.1"]);
  expect(possible("v5.5.5")).toEqual(["5.5.5"]);
  expect(possible("v4.4.5")).toEqual(["4.4.8"]);
});

test("excludes releases of an old branch from before it got a behavior", () => {
  const releasesWith = (name: keyof typeof IDF_BEHAVIORS) =>
    IDF_RELEASE_NAMES.filter((release) => idfRelease(release).behaviors[name]);
  expect(releasesWith("beginOpensHandleBeforeErase")).toEqual(["5.3.5", "5.5.1", "5.5.5", "6.0.2", "6.2-dev"]);
  expect(releasesWith("refusesSlotInProgress")).toEqual(["6.2-dev"]);
  expect(releasesWith("honorsReadOnlyFlag")).toEqual(["5.3.5", "5.5.1", "5.5.5", "6.0.2", "6.2-dev"]);
});

test("names releases and their difference in every row", () => {
  for (const [name, row] of Object.entries(IDF_BEHAVIORS)) {
    expect(row.since, name).not.toHaveLength(0);
    for (const since of row.since) expect(parseIdfVersion(since), name).toBeDefined();
    expect(row.before, name).not.toBe(row.after);
    const values = new Set(IDF_RELEASE_NAMES.map((release) => idfRelease(release).behaviors[name as never]));
    expect(values.size, `${name} is the same in all known releases`).toBe(2);
  }
});
