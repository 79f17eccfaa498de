export {
  type LoadedArtifact,
  type LoadedRoot,
  type LoadedVersion,
  loadRootManifest,
  loadVersion,
  verifyArtifact,
  verifyArtifacts,
} from "./manifest/load.ts";
export { piecesOf, readManifest } from "./manifest/load-file.ts";
export { validateReleaseLine } from "./manifest/load-release-line.ts";
export { packageRelease } from "./release/package.ts";
export type { PackagedArtifact, PackageOptions, PackageResult } from "./release/package-options.ts";
export { type Binary, checkHardware, type ImageSummary, readBinary } from "./release/read-image.ts";
export { writeFileAtomically, writePiecesAtomically } from "./release/write-atomically.ts";
