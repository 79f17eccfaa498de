export {
  type LoadedArtifact,
  type LoadedRoot,
  type LoadedVersion,
  loadRootManifest,
  loadVersion,
  verifyArtifact,
  verifyArtifacts,
} from "./manifest/load.ts";
export { piecesOf } from "./manifest/load-file.ts";
export { type ReleaseFile, readReleaseFile, releaseFileOf } from "./manifest/release-file.ts";
export { type ValidateOptions, validateReleaseLine } from "./manifest/validate-release-line.ts";
export type { PlacedProblem, Severity } from "./manifest/validation-report.ts";
export { acquireLock, type Lock, type LockOptions } from "./release/lock.ts";
export type { PackageChange, PackagedArtifact, PackageOptions, PackageResult } from "./release/package-options.ts";
export { packageRelease } from "./release/package-release.ts";
export type { ImageSummary } from "./release/read-image.ts";
export { assertWithin, removeLeftovers, writeFileAtomically } from "./release/write-atomically.ts";
export { type NewFile, writeNewFile, writeNewFiles, writeNewFolder } from "./release/write-new.ts";
