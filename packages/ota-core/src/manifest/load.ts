import { dirname } from "node:path";
import { OtaError, type Problem } from "../errors.ts";
import { quoted } from "../schemas/problems.ts";
import type { Artifact, Channels, RootManifest, VersionEntry, VersionManifest } from "../schemas/types.generated.ts";
import { measureArtifact } from "./artifact-file.ts";
import { resolveChannels } from "./channels.ts";
import { invalid } from "./document.ts";
import { duplicateVersionProblem } from "./duplicate-version.ts";
import { readManifest } from "./load-file.ts";
import { resolveArtifact, resolveBelow } from "./load-path.ts";
import { nearestOf } from "./nearest.ts";
import { caselessName } from "./paths.ts";
import { parseRootManifest, protocolsOf } from "./root.ts";
import { parseVersionManifest } from "./version.ts";

/** A root manifest and its file. */
export interface LoadedRoot {
  readonly file: string;
  /** The folder to which the manifest's paths are relative. */
  readonly folder: string;
  readonly text: string;
  readonly manifest: RootManifest;
  /** One sentence for each value that is not spelled as in the schema. */
  readonly warnings: readonly string[];
}

/** An artifact with everything that a delivery needs. */
export interface LoadedArtifact {
  readonly artifact: Artifact;
  /** Path of its file. {@link verifyArtifacts} checks that the file exists and is the right one. */
  readonly path: string;
  readonly channels: Channels;
  readonly protocols: readonly string[];
}

/** A version manifest and its artifacts. */
export interface LoadedVersion {
  readonly file: string;
  readonly entry: VersionEntry;
  readonly manifest: VersionManifest;
  readonly artifacts: readonly LoadedArtifact[];
  /** One sentence for each value that is not spelled as in the schema. */
  readonly warnings: readonly string[];
}

/**
 * Reads a root manifest.
 *
 * @throws {@link OtaError} `manifest/not-found`.
 * @throws {@link OtaError} `manifest/unreadable`, and as `parseRootManifest`.
 */
export async function loadRootManifest(file: string): Promise<LoadedRoot> {
  const text = await readManifest(file);
  const notes: Problem[] = [];
  const manifest = parseRootManifest(text, file, notes);
  return { file, folder: dirname(file), text, manifest, warnings: sentencesOf(file, notes) };
}

/**
 * Reads one version of a release line and resolves its artifacts' paths, channels and protocols.
 *
 * @param version - The `id` of the version's entry.
 * @throws {@link OtaError} `manifest/unknown-version`.
 * @throws {@link OtaError} `manifest/invalid` if another version has the same `id`, or one that differs only in case.
 * @throws {@link OtaError} `manifest/path-escapes`.
 * @throws {@link OtaError} `manifest/not-found`.
 * @throws {@link OtaError} `manifest/unreadable`, and as `parseVersionManifest`.
 */
export async function loadVersion(root: LoadedRoot, version: string): Promise<LoadedVersion> {
  const index = root.manifest.versions.findIndex(({ id }) => id === version);
  const entry = root.manifest.versions[index];
  if (entry === undefined) throw unknownVersion(root, version);
  assertNoDuplicate(root, version);
  const pointer = `/versions/${index}/manifest`;
  const file = await resolveBelow(root.folder, entry.manifest, { file: root.file, pointer });
  const notes: Problem[] = [];
  const manifest = parseVersionManifest(await readManifest(file), file, version, notes);
  const artifacts: LoadedArtifact[] = [];
  for (const [position, artifact] of manifest.artifacts.entries()) {
    artifacts.push({
      artifact,
      path: await resolveArtifact(file, manifest.base_path, artifact.filename, position),
      channels: resolveChannels(root.manifest, manifest, artifact),
      protocols: protocolsOf(root.manifest, artifact),
    });
  }
  return { file, entry, manifest, artifacts, warnings: sentencesOf(file, notes) };
}

function assertNoDuplicate({ file, manifest }: LoadedRoot, version: string): void {
  const listed = manifest.versions.map(({ id }, index) => ({ id, index }));
  const [earlier, later] = listed.filter(({ id }) => caselessName(id) === caselessName(version));
  if (earlier !== undefined && later !== undefined) throw invalid(file, [duplicateVersionProblem(later, earlier)]);
}

function sentencesOf(file: string, notes: readonly Problem[]): string[] {
  return notes.map(({ path, message }) => `${file}: ${path}: ${message}`);
}

/**
 * Checks existence, size and SHA-256 of every artifact's file, in order.
 *
 * @throws {@link OtaError} for the first that is wrong: `manifest/artifact-not-found`, `manifest/artifact-mismatch`.
 */
export async function verifyArtifacts(loaded: LoadedVersion): Promise<void> {
  for (const { artifact, path } of loaded.artifacts) await verifyArtifact(loaded.file, artifact, path);
}

/**
 * Checks existence, size and SHA-256 of one artifact's file. Reads it in pieces, so that memory does not grow with its
 * size.
 *
 * @param file - The version manifest that lists it, for messages.
 * @throws {@link OtaError} `manifest/artifact-not-found`.
 * @throws {@link OtaError} `manifest/artifact-mismatch`.
 */
export async function verifyArtifact(
  file: string,
  { name, size, sha256 }: Pick<Artifact, "name" | "size" | "sha256">,
  path: string,
): Promise<void> {
  const compare = (what: string, expected: string, actual: string): void => {
    if (expected === actual) return;
    const message = `${file}: artifact ${name}: the ${what} of ${path} is ${actual}; the manifest says ${expected}`;
    const hint =
      "the file changed after it was packaged: put the released file back, or package it under a new version";
    throw new OtaError(
      "manifest/artifact-mismatch",
      message,
      { file, artifact: name, path, expected, actual },
      { hint },
    );
  };
  const onSize = (fileSize: number): void => compare("size", `${size}`, `${fileSize}`);
  const found = await measureArtifact({ file, name }, path, { onSize });
  compare("size", `${size}`, `${found.size}`);
  compare("SHA-256", sha256.toLowerCase(), found.sha256);
}

function unknownVersion({ file, manifest }: LoadedRoot, version: string): OtaError<"manifest/unknown-version"> {
  const known = manifest.versions.map(({ id }) => id);
  const near = nearestOf(version, known);
  const latest = `${known.length > 10 ? "…, " : ""}${known.slice(-10).join(", ")}`;
  const message = `${file} has no version ${quoted(version)}; it has ${known.length === 0 ? "none yet" : latest}`;
  const hint = near === undefined ? "`tinybms-ota package --update-manifest` adds a version" : `did you mean ${near}?`;
  return new OtaError("manifest/unknown-version", message, { file, version, known }, { hint });
}
