import { APP_BEHAVIORS, type AppBehavior } from "./app-behaviors.ts";
import { type BehaviorRow, hasBehavior } from "./behavior-row.ts";
import { compareIdfVersions, type IdfVersion, isSameBranch, parseIdfVersion } from "./idf-version.ts";
import { NVS_BEHAVIORS, type NvsBehavior } from "./nvs-behaviors.ts";

/** Releases of ESP-IDF whose own code was recorded, oldest first. */
export const IDF_RELEASE_NAMES = ["4.4.8", "5.1.7", "5.3.5", "5.5.1", "5.5.5", "6.0.2", "6.2-dev"] as const;

/** A release that the simulator knows. */
export type IdfReleaseName = (typeof IDF_RELEASE_NAMES)[number];

/** The name of a row in which releases differ. */
export type IdfBehavior = AppBehavior | NvsBehavior;

/** What a release does, by row. */
export type IdfBehaviors = { readonly [Name in IdfBehavior]: boolean };

/** A release of ESP-IDF and what it does. */
export interface IdfRelease {
  readonly name: IdfReleaseName;
  readonly behaviors: IdfBehaviors;
}

/** All rows in which releases differ. */
export const IDF_BEHAVIORS: { readonly [Name in IdfBehavior]: BehaviorRow } = { ...APP_BEHAVIORS, ...NVS_BEHAVIORS };

const RELEASES: ReadonlyMap<IdfReleaseName, IdfRelease> = new Map(
  IDF_RELEASE_NAMES.map((name) => [name, { name, behaviors: behaviorsOf(versionOf(name)) }]),
);

/** Returns a release by its exact name. */
export function idfRelease(name: IdfReleaseName): IdfRelease {
  const release = RELEASES.get(name);
  if (release === undefined) throw new RangeError(`no release is called ${name}`);
  return release;
}

/** Which release stands in for a version. */
export interface IdfReleaseMatch {
  readonly release: IdfRelease;
  /** It is the version itself, not the nearest one that is known. */
  readonly isExact: boolean;
  /** The known releases around the version, oldest first: one if it is known, or older or newer than all. */
  readonly neighbors: readonly IdfRelease[];
}

/**
 * Finds the release for a version: that one, or the nearest that is known. Prefers the same branch, then the same major
 * number, then the older one; the version before the first known release is taken for that.
 *
 * @param version - As an app descriptor has it, such as `v5.4-dirty`; anything, or `undefined`.
 * @returns Without a readable version the newest release, its neighbors being the oldest and the newest.
 */
export function matchIdfRelease(version: string | undefined): IdfReleaseMatch {
  const wanted = version === undefined ? undefined : parseIdfVersion(version);
  const known = [...RELEASES.values()];
  const [oldest, newest] = [known.at(0), known.at(-1)];
  if (oldest === undefined || newest === undefined) throw new RangeError("no release is known");
  if (wanted === undefined) return { release: newest, isExact: false, neighbors: [oldest, newest] };
  const same = known.find(({ name }) => compareIdfVersions(versionOf(name), wanted) === 0);
  if (same !== undefined && (wanted.suffix === "" || wanted.suffix === "-dirty")) {
    return { release: same, isExact: wanted.suffix === "", neighbors: [same] };
  }
  const older = known.findLast(({ name }) => compareIdfVersions(versionOf(name), wanted) <= 0);
  const newer = known.find(({ name }) => compareIdfVersions(versionOf(name), wanted) > 0);
  if (older === undefined || newer === undefined) {
    const release = older ?? newer ?? newest;
    return { release, isExact: false, neighbors: [release] };
  }
  return { release: nearer(wanted, older, newer), isExact: false, neighbors: [older, newer] };
}

/** Finds the newest known release of a branch, or `undefined`. @param branch - Such as `5.5`. */
export function newestOfBranch(branch: string): IdfRelease | undefined {
  const wanted = /^v?\d+\.\d+$/.test(branch) ? parseIdfVersion(branch) : undefined;
  if (wanted === undefined) return undefined;
  return [...RELEASES.values()].findLast(({ name }) => isSameBranch(versionOf(name), wanted));
}

function nearer(wanted: IdfVersion, older: IdfRelease, newer: IdfRelease): IdfRelease {
  const [from, to] = [versionOf(older.name), versionOf(newer.name)];
  const [isOlderBranch, isNewerBranch] = [isSameBranch(from, wanted), isSameBranch(to, wanted)];
  if (isOlderBranch && isNewerBranch) return wanted.patch - from.patch < to.patch - wanted.patch ? older : newer;
  if (isOlderBranch !== isNewerBranch) return isOlderBranch ? older : newer;
  return from.major !== wanted.major && to.major === wanted.major ? newer : older;
}

function versionOf(name: IdfReleaseName): IdfVersion {
  const version = parseIdfVersion(name);
  if (version === undefined) throw new RangeError(`${name} is no version`);
  return version;
}

function behaviorsOf(version: IdfVersion): IdfBehaviors {
  const rows = Object.entries(IDF_BEHAVIORS).map(([name, row]) => [name, hasBehavior(row, version)]);
  return Object.fromEntries(rows) as IdfBehaviors;
}
