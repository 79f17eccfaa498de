import type { LoadedVersion } from "@tinybms/ota-core/node";

/** Versions of a release line by SHA-256 of their images, in lower-case hexadecimal. Versions may share an image. */
export type ReleaseIndex = ReadonlyMap<string, readonly string[]>;

/** Returns the versions that contain each image of a release line. */
export function releasesByImage(versions: readonly LoadedVersion[]): ReleaseIndex {
  const releases = new Map<string, string[]>();
  for (const { entry, artifacts } of versions) {
    for (const { artifact } of artifacts) {
      const image = artifact.sha256.toLowerCase();
      const known = releases.get(image) ?? [];
      releases.set(image, [...known, entry.id]);
    }
  }
  return releases;
}
