import { compareIdfVersions, type IdfVersion, isSameBranch, parseIdfVersion } from "./idf-version.ts";

/** A difference between releases of ESP-IDF, as data. */
export interface BehaviorRow {
  /** The function of ESP-IDF that differs. */
  readonly call: string;
  /** The first release with it, one for each branch that got it later: `["5.3.3", "5.4.2", "5.5"]`. */
  readonly since: readonly string[];
  /** What releases without it do. */
  readonly before: string;
  /** What releases with it do. */
  readonly after: string;
  /**
   * What shows it: the recorded vectors, the tests in this repository that name it, or ESP-IDF's sources at the release
   * tags alone.
   */
  readonly judge: "vectors" | "sources";
}

/**
 * Returns whether a release has a behavior. On a branch that {@link BehaviorRow.since} doesn't name, releases have it if an
 * older branch does.
 */
export function hasBehavior(row: BehaviorRow, version: IdfVersion): boolean {
  const firsts = row.since.map(parseIdfVersion).filter((first) => first !== undefined);
  const own = firsts.find((first) => isSameBranch(first, version));
  if (own !== undefined) return compareIdfVersions(version, own) >= 0;
  return firsts.some((first) => compareIdfVersions(first, version) < 0);
}
