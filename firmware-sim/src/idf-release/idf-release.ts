import { APP_BEHAVIORS, type AppBehavior } from "./app-behaviors.ts";
import { type BehaviorRow, hasBehavior } from "./behavior-row.ts";
import { compareIdfVersions, type IdfVersion, isSameBranch, parseIdfVersion } from "./idf-version.ts";
import { NVS_BEHAVIORS, type NvsBehavior } from "./nvs-behaviors.ts";

/** Releases of ESP-IDF whose own code was recorded, oldest first. */
export const IDF_RELEASE_NAMES = ["4.4.8", "5.1.7", "5.3.5", "5.5.1", "5.5.5", "6.0.2", "6.2-dev"] as const;

/** Name of a release that the simulator knows. */
export type IdfReleaseName = (typeof IDF_RELEASE_NAMES)[number];

/** Name of a row in which releases differ. */
export type IdfBehavior = AppBehavior | NvsBehavior;

/** Behaviors of a release: for each row, whether it has the new behavior. */
export type IdfBehaviors = { readonly [Name in IdfBehavior]: boolean };

/** A release of ESP-IDF and its behaviors. */
export interface IdfRelease {
  readonly name: IdfReleaseName;
  readonly behaviors: IdfBehaviors;
}

/** All rows in which releases differ. */
export const IDF_BEHAVIORS: { readonly [Name in IdfBehavior]: BehaviorRow } = { ...APP_BEHAVIORS, ...NVS_BEHAVIORS };

/** A release with its parsed version. */
interface KnownRelease {
  readonly release: IdfRelease;
  readonly version: IdfVersion;
}

/** Known releases, oldest first. */
const KNOWN: readonly KnownRelease[] = IDF_RELEASE_NAMES.map((name) => {
  const version = parseIdfVersion(name);
  if (version === undefined) throw new RangeError(`${name} is not a version`);
  return { release: { name, behaviors: behaviorsOf(version) }, version };
});

/** Returns the release with this name. */
export function idfRelease(name: IdfReleaseName): IdfRelease {
  const known = KNOWN.find(({ release }) => release.name === name);
  if (known === undefined) throw new RangeError(`no release is called ${name}`);
  return known.release;
}

/** The release that is simulated for a version. */
export interface IdfReleaseMatch {
  /** The version as given; empty if there is none. */
  readonly version: string;
  readonly release: IdfRelease;
  /** Whether the release is the version itself, rather than the nearest known one. */
  readonly isExact: boolean;
  /** The known releases around the version, oldest first; one if it is known, or older or newer than all known ones. */
  readonly neighbors: readonly IdfRelease[];
}

/**
 * Finds the release for a version: the same one, or the nearest known one. Prefers the same branch, then the same major
 * version, then the older release.
 *
 * @param version - Version as in an app descriptor, such as `v5.4-dirty`. Any text is allowed.
 * @returns For text that is not a version, the newest release, with the oldest and the newest as neighbors.
 */
export function matchIdfRelease(version: string = ""): IdfReleaseMatch {
  const match = (known: KnownRelease, neighbors: readonly KnownRelease[], isExact = false): IdfReleaseMatch => {
    return { version, release: known.release, isExact, neighbors: neighbors.map(({ release }) => release) };
  };
  const wanted = parseIdfVersion(version);
  const [oldest, newest] = [KNOWN.at(0), KNOWN.at(-1)];
  if (oldest === undefined || newest === undefined) throw new RangeError("no release is known");
  if (wanted === undefined) return match(newest, [oldest, newest]);
  const older = KNOWN.findLast((known) => compareIdfVersions(known.version, wanted) <= 0);
  const newer = KNOWN.find((known) => compareIdfVersions(known.version, wanted) > 0);
  if (older === undefined || newer === undefined) {
    const only = older ?? newer ?? newest;
    return match(only, [only], isSame(only, wanted) && wanted.suffix === "");
  }
  // A release with local changes ("-dirty") is not exact, but no other release is nearer.
  if (isSame(older, wanted) && (wanted.suffix === "" || wanted.suffix === "-dirty")) {
    return match(older, [older], wanted.suffix === "");
  }
  return match(nearer(wanted, older, newer), [older, newer]);
}

/**
 * Finds the release for the value of an option. As {@link matchIdfRelease}, except that a branch (`5.5`) means its newest
 * known release.
 *
 * @returns `undefined` if the text is not a version.
 */
export function askedIdfRelease(text: string): IdfReleaseMatch | undefined {
  const wanted = parseIdfVersion(text);
  if (wanted === undefined) return undefined;
  const isBranch = /^v?\d+\.\d+$/.test(text);
  const newest = isBranch ? KNOWN.findLast(({ version }) => isSameBranch(version, wanted)) : undefined;
  return matchIdfRelease(newest?.release.name ?? text);
}

/**
 * Returns the releases that may behave as a version does: the release itself if it is known, otherwise its neighbors, or
 * one of them if both behave the same.
 */
export function possibleReleases({ release, isExact, neighbors }: IdfReleaseMatch): readonly IdfRelease[] {
  const texts = new Set(neighbors.map(({ behaviors }) => JSON.stringify(behaviors)));
  return isExact || texts.size === 1 ? [release] : neighbors;
}

/** A release in a command's result. JSON-safe. */
export interface ReportedRelease {
  /** The release that is simulated. */
  readonly release: IdfReleaseName;
  /** Version in the image or option; `null` if neither has one. */
  readonly version: string | null;
  /** Whether the simulated release is not exactly that version. */
  readonly assumed: boolean;
}

/** Returns the JSON form of a match. */
export function reportRelease({ version, release: { name }, isExact }: IdfReleaseMatch): ReportedRelease {
  return { release: name, version: version === "" ? null : version, assumed: !isExact };
}

function nearer(wanted: IdfVersion, older: KnownRelease, newer: KnownRelease): KnownRelease {
  const [isOlderBranch, isNewerBranch] = [isSameBranch(older.version, wanted), isSameBranch(newer.version, wanted)];
  if (isOlderBranch && isNewerBranch) {
    return wanted.patch - older.version.patch < newer.version.patch - wanted.patch ? older : newer;
  }
  if (isOlderBranch !== isNewerBranch) return isOlderBranch ? older : newer;
  return older.version.major !== wanted.major && newer.version.major === wanted.major ? newer : older;
}

function isSame({ version }: KnownRelease, wanted: IdfVersion): boolean {
  return compareIdfVersions(version, wanted) === 0;
}

function behaviorsOf(version: IdfVersion): IdfBehaviors {
  const rows = Object.entries(IDF_BEHAVIORS).map(([name, row]) => [name, hasBehavior(row, version)]);
  return Object.fromEntries(rows) as IdfBehaviors;
}
