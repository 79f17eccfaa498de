import { isOtaError } from "@tinybms/ota-core";
import { type LoadedRoot, type LoadedVersion, loadVersion } from "@tinybms/ota-core/node";

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

/** Reads the index of a release line. Leaves out versions that can't be read. */
export async function readReleaseIndex(root: LoadedRoot): Promise<ReleaseIndex> {
  const versions: LoadedVersion[] = [];
  for (const { id } of root.manifest.versions) {
    try {
      versions.push(await loadVersion(root, id));
    } catch (error) {
      if (!isOtaError(error)) throw error;
    }
  }
  return releasesByImage(versions);
}

/**
 * Formats what a device runs: the versions of the release line that contain its image, or in parentheses the version of
 * the app descriptor if no release contains it.
 */
export function releaseText(releases: readonly string[], version: string): string {
  return releases.length === 0 ? `(${version})` : releases.join(", ");
}
