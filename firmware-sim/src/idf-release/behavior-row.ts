import { compareIdfVersions, type IdfVersion, isSameBranch, parseIdfVersion } from "./idf-version.ts";

/** A difference between releases of ESP-IDF, as data. */
export interface BehaviorRow {
  /** Functions of ESP-IDF that differ. */
  readonly call: string;
  /** First release with the new behavior, and the first of each older branch that has it: `["5.3.3", "5.4.2", "5.5"]`. */
  readonly since: readonly string[];
  /** Behavior of older releases, as a sentence without a subject. */
  readonly before: string;
  /** Behavior of newer releases, as a sentence without a subject. */
  readonly after: string;
  /** Evidence: vectors recorded from ESP-IDF's own code, or only its sources at the release tags. */
  readonly judge: "vectors" | "sources";
}

/**
 * Returns whether a release has the new behavior. On a branch that {@link BehaviorRow.since} doesn't list, releases have it
 * if an older branch does.
 */
export function hasBehavior(row: BehaviorRow, version: IdfVersion): boolean {
  const firsts = row.since.map(parseIdfVersion).filter((first) => first !== undefined);
  const own = firsts.find((first) => isSameBranch(first, version));
  if (own !== undefined) return compareIdfVersions(version, own) >= 0;
  return firsts.some((first) => compareIdfVersions(first, version) < 0);
}
