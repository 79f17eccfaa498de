import { readdirSync } from "node:fs";
import { dirname } from "node:path";
import { isOtaError, OtaError } from "../errors.ts";
import type { LoadedRoot } from "../manifest/load.ts";
import { isMissing, readManifest, reasonOf } from "../manifest/load-file.ts";
import { resolveBelow } from "../manifest/load-path.ts";
import { caselessName } from "../manifest/paths.ts";
import { parseVersionManifest } from "../manifest/version.ts";
import type { Artifact, VersionManifest } from "../schemas/types.generated.ts";
import type { PackagePlan } from "./plan.ts";
import type { Binary } from "./read-image.ts";

/**
 * Reads the existing version manifest of a release, if any.
 *
 * A truncated version manifest, which a crash of the Python scripts could leave, counts as absent.
 *
 * @param force - Whether an invalid version manifest counts as absent too.
 * @returns The version manifest, or `undefined` if it is absent.
 * @throws {@link OtaError} `manifest/unreadable`.
 * @throws {@link OtaError} `manifest/invalid` unless forced.
 */
export async function readReleased(plan: PackagePlan, force: boolean): Promise<VersionManifest | undefined> {
  return await read(plan.versionManifest, plan.version, force);
}

/**
 * Checks that no existing version differs from a version only in case: on Windows and macOS both would be the same
 * folder.
 *
 * @throws {@link OtaError} `package/version-invalid` if there is such a version.
 */
export async function assertNoCaseVariant(root: LoadedRoot, { version, folder }: PackagePlan): Promise<void> {
  const names = [...root.manifest.versions.map(({ id }) => id), ...namesIn(dirname(folder))];
  const other = names.find((name) => name !== version && caselessName(name) === caselessName(version));
  if (other === undefined) return;
  const message = `the version ${JSON.stringify(version)} differs only in case from ${JSON.stringify(other)}, which exists already; on Windows and macOS both would be the same folder`;
  const hint = `package it as ${other}, or name another version with --version`;
  throw new OtaError("package/version-invalid", message, { version }, { hint });
}

/** Returns the names in a folder, or an empty array if there is no such folder. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw new OtaError("manifest/unreadable", `${folder} can't be read: ${reasonOf(error)}`, { file: folder });
  }
}

/** Finds the artifact of a release with a binary's bytes and a given name. */
export function sameArtifact({ artifacts }: VersionManifest, name: string, binary: Binary): Artifact | undefined {
  const isSame = (it: Artifact): boolean =>
    it.name === name && it.size === binary.size && it.sha256.toLowerCase() === binary.sha256;
  return artifacts.find(isSame);
}

/**
 * Checks that a released version keeps its bytes. Devices may already run it and would never receive the new bytes, or
 * would mix both. A version is released if its version manifest exists, in the place of the new one or where the root
 * manifest's entry points.
 *
 * @throws {@link OtaError} `package/already-released` if it has other bytes.
 */
export async function assertSameBytes(
  root: LoadedRoot,
  plan: PackagePlan,
  binary: Binary,
  before: VersionManifest | undefined,
): Promise<void> {
  if (before !== undefined) compare(plan.versionManifest, before, plan, binary);
  const entry = root.manifest.versions.find(({ id }) => id === plan.version);
  if (plan.manifestPath === undefined || entry === undefined || entry.manifest === plan.manifestPath) return;
  const file = await resolveBelow(root.folder, entry.manifest, { file: root.file, pointer: "/versions" });
  const elsewhere = await read(file, plan.version, false);
  if (elsewhere !== undefined) compare(file, elsewhere, plan, binary);
}

function compare(file: string, released: VersionManifest, { version, name }: PackagePlan, binary: Binary): void {
  if (sameArtifact(released, name, binary) !== undefined) return;
  const earlier = released.artifacts.find((artifact) => artifact.name === name);
  const what =
    earlier === undefined
      ? `with ${released.artifacts.map((artifact) => JSON.stringify(artifact.name)).join(", ")} and no ${JSON.stringify(name)}`
      : `with other bytes: SHA-256 ${earlier.sha256.toLowerCase()}, ${earlier.size} bytes`;
  const message = `${file}: version ${version} is released already, ${what}; ${binary.file} has SHA-256 ${binary.sha256}, ${binary.size} bytes`;
  const hint = "give the build a version of its own; --force replaces the release, which devices may run already";
  const details = { file, version, released: earlier?.sha256.toLowerCase() ?? "", found: binary.sha256 };
  throw new OtaError("package/already-released", message, details, { hint });
}

async function read(file: string, version: string, force: boolean): Promise<VersionManifest | undefined> {
  try {
    return parseVersionManifest(await readManifest(file), file, version);
  } catch (error) {
    if (isOtaError(error, "manifest/not-found") || isOtaError(error, "manifest/syntax")) return undefined;
    if (!isOtaError(error, "manifest/invalid")) throw error;
    if (force) return undefined;
    const hint = "correct or remove the file, or replace it with --force";
    throw new OtaError(error.code, error.message, error.details, { cause: error, hint });
  }
}
