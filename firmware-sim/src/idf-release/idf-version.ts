/** A parsed version of ESP-IDF. */
export interface IdfVersion {
  readonly major: number;
  readonly minor: number;
  /** 0 for the first release of a branch, -1 for versions before it (`6.2-dev`, `5.5-rc1`). */
  readonly patch: number;
  /** Text after the numbers: `-dirty`, `-123-g0123abc`; empty for a release and for `-dev`. */
  readonly suffix: string;
}

const VERSION = /^v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?(-(?:dev|alpha|beta|rc)\d{0,3})?([-+.].*)?$/s;

/**
 * Parses a version as in the output of `git describe` and in app descriptors.
 *
 * @param text - For example `v5.5.1`, `5.5` or `v6.2-dev-123-g0123abc`.
 * @returns `undefined` if the text does not begin with a version.
 */
export function parseIdfVersion(text: string): IdfVersion | undefined {
  const [, major, minor, patch = "0", prerelease, rest = ""] = VERSION.exec(text.trim()) ?? [];
  if (major === undefined || minor === undefined) return undefined;
  const isDevelopment = prerelease === "-dev";
  const suffix = prerelease === undefined || isDevelopment ? rest : prerelease + rest;
  return { major: Number(major), minor: Number(minor), patch: prerelease === undefined ? Number(patch) : -1, suffix };
}

/** Compares the numbers of two versions. @returns A negative number if the first is older, 0 if they are equal. */
export function compareIdfVersions(first: IdfVersion, second: IdfVersion): number {
  return first.major - second.major || first.minor - second.minor || first.patch - second.patch;
}

/** Returns whether two versions have the same major and minor numbers. */
export function isSameBranch(first: IdfVersion, second: IdfVersion): boolean {
  return first.major === second.major && first.minor === second.minor;
}
