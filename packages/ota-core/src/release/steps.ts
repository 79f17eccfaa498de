import { lstatSync } from "node:fs";
import { OtaError } from "../errors.ts";
import { formatJson } from "../json/format-json.ts";
import { needsAppImage, resolveChannels } from "../manifest/channels.ts";
import { type LoadedRoot, verifyArtifact } from "../manifest/load.ts";
import { resolveArtifact } from "../manifest/load-path.ts";
import { DEFAULT_PROTOCOLS, protocolsOf } from "../manifest/root.ts";
import { addVersion } from "../manifest/update.ts";
import type { Artifact, VersionManifest } from "../schemas/types.generated.ts";
import { copyBinary } from "./copy-binary.ts";
import { createFile } from "./new-file.ts";
import type { PackageChange, PackageOptions } from "./package-options.ts";
import type { PackagePlan } from "./plan.ts";
import type { Binary } from "./read-image.ts";
import { sameArtifact } from "./released.ts";
import { type PreparedFile, prepareFile } from "./write-atomically.ts";

/** One file to write. */
export interface Step extends PackageChange {
  readonly action: "create" | "replace" | "edit";
  readonly prepare: () => Promise<PreparedFile>;
}

/** The changes that create or update a release. */
export interface Steps {
  readonly artifact: Artifact;
  readonly artifactFile: string;
  /** In the order of writing: no file refers to one that does not exist yet. */
  readonly writes: readonly Step[];
  /** Files to which no manifest refers after the writes. */
  readonly removals: readonly string[];
  /** Warnings for the user, one sentence each. */
  readonly warnings: readonly string[];
}

/** Input of {@link stepsOf}. */
export interface ReleaseState {
  readonly root: LoadedRoot;
  readonly binary: Binary;
  readonly plan: PackagePlan;
  /** The existing version manifest. */
  readonly before: VersionManifest | undefined;
}

/**
 * Compares a release with the existing files and lists the necessary changes. Changes nothing.
 *
 * @throws {@link OtaError} `image/invalid` for a file that the release's ways to devices would refuse; what signers
 *   throw.
 */
export async function stepsOf(options: PackageOptions, state: ReleaseState): Promise<Steps> {
  const { root, binary, plan, before } = state;
  const artifact = describe(options, state);
  const warnings = deliveryWarnings(options, state, artifact);
  const artifactFile = await placeOf(plan, before, artifact.filename);
  const writes: Step[] = [];
  if (!(await isInPlace(plan, artifact, artifactFile))) {
    const action = exists(artifactFile) ? "replace" : "create";
    writes.push({
      path: artifactFile,
      action,
      prepare: () => copyBinary(binary, artifactFile, plan.within, options.signal),
    });
  }
  const isKnown = before !== undefined && isRecorded(before, artifact);
  const now = `${(options.now?.() ?? new Date()).toISOString().slice(0, 19)}Z`;
  const release = await releaseStep(options, state, (isKnown ? before.created_at : undefined) ?? now);
  if (release !== undefined) writes.push(release);
  if (!isKnown) {
    const path = plan.versionManifest;
    const text = versionManifestText(plan.version, artifact, before, now);
    const action = exists(path) ? "replace" : "create";
    writes.push({ path, action, prepare: () => prepareText(path, plan.within, text) });
  }
  const edited = editedRoot(options, state);
  if (edited !== root.text) {
    writes.push({ path: root.file, action: "edit", prepare: () => prepareText(root.file, undefined, edited) });
  }
  const removals = await removalsOf(state, artifact, artifactFile);
  if (release === undefined && before !== undefined && !isKnown) {
    const { staleRelease } = await import("./release-step.ts");
    removals.push(...(await staleRelease(plan.versionManifest, artifactsAfter(before, artifact))));
  }
  return { artifact, artifactFile, writes, removals, warnings };
}

/** Checks the file like `validate` and `deploy`. A signed release always requires an installable image. */
function deliveryWarnings({ signers = [] }: PackageOptions, state: ReleaseState, artifact: Artifact): string[] {
  const { root, binary, plan, before } = state;
  const version = before ?? { version: plan.version, artifacts: [artifact] };
  const { mqtt } = resolveChannels(root.manifest, version, artifact);
  const isInstalled = signers.length > 0 || needsAppImage(protocolsOf(root.manifest, artifact), mqtt?.mode);
  const faults = binary.faults(root.manifest.product.hardware);
  const [first] = faults;
  if (first !== undefined && isInstalled) throw first.error;
  return faults.map(({ error }) => error.message);
}

/** Returns the step that writes the signed release, if it is needed. Loads what signs only if there are signers. */
async function releaseStep(
  { signers = [] }: PackageOptions,
  state: ReleaseState,
  createdAt: string,
): Promise<Step | undefined> {
  if (signers.length === 0) return undefined;
  const { signedReleaseFile } = await import("./release-step.ts");
  const file = await signedReleaseFile(signers, state, createdAt);
  if (file === undefined) return undefined;
  const action = exists(file.path) ? "replace" : "create";
  return { path: file.path, action, prepare: () => prepareText(file.path, state.plan.within, file.bytes) };
}

/** Returns the text of the root manifest, with the version's entry if requested. */
function editedRoot(options: PackageOptions, { root, plan }: ReleaseState): string {
  if (plan.manifestPath === undefined) return root.text;
  const label = options.label === undefined ? {} : { label: options.label };
  return addVersion(root.text, { id: plan.version, manifest: plan.manifestPath, ...label }, root.file);
}

function prepareText(path: string, within: string | undefined, text: string | Uint8Array): Promise<PreparedFile> {
  return prepareFile(path, within, (temporary) => createFile(temporary, text));
}

/** Returns the artifact's entry. Keeps other members of an earlier entry, such as protocols and channels. */
function describe(options: PackageOptions, { root, binary, plan, before }: ReleaseState): Artifact {
  const { name } = plan;
  const { size, sha256 } = binary;
  const earlier = before?.artifacts.find((artifact) => artifact.name === name);
  const protocols = root.manifest.deployment?.default_protocols ?? [...DEFAULT_PROTOCOLS];
  const named = protocols.length === 0 ? {} : { protocols };
  return {
    name,
    filename: filenameOf(options, { binary, plan, before }),
    size,
    sha256,
    ...(earlier ? without(earlier) : named),
  };
}

function without({ name: _name, filename: _filename, size: _size, sha256: _sha256, ...others }: Artifact): object {
  return others;
}

/**
 * Returns the file name of the copy. A forced release must not overwrite the file that it replaces: a crash before the
 * new `ota.json` would leave a manifest with the hash of other bytes. Therefore it takes another name, and the old file
 * is removed at the end.
 */
function filenameOf(options: PackageOptions, { binary, plan, before }: Omit<ReleaseState, "root">): string {
  const { filename, name } = plan;
  const aside = filename.replace(/(\.[^.]*)?$/, (extension) => `-${binary.sha256.slice(0, 8)}${extension}`);
  const same = before === undefined ? undefined : sameArtifact(before, name, binary);
  if (same !== undefined) {
    const isKept = options.artifactName === undefined || same.filename === aside;
    return isKept ? same.filename : filename;
  }
  const isTaken = before?.artifacts.some((artifact) => artifact.filename.toLowerCase() === filename.toLowerCase());
  return isTaken === true ? aside : filename;
}

/** Returns a file's path in the version's folder, or in the `base_path` of the existing version manifest. */
function placeOf(plan: PackagePlan, before: VersionManifest | undefined, filename: string): Promise<string> {
  return resolveArtifact(plan.versionManifest, before?.base_path, filename, 0);
}

async function isInPlace(plan: PackagePlan, artifact: Artifact, artifactFile: string): Promise<boolean> {
  try {
    await verifyArtifact(plan.versionManifest, artifact, artifactFile);
    return true;
  } catch (error) {
    if (error instanceof OtaError) return false;
    throw error;
  }
}

/** Returns `true` if a version manifest already has exactly this artifact. */
function isRecorded({ artifacts }: VersionManifest, { name, filename, size, sha256 }: Artifact): boolean {
  return artifacts.some(
    (it) => it.name === name && it.filename === filename && it.size === size && it.sha256.toLowerCase() === sha256,
  );
}

function versionManifestText(
  version: string,
  artifact: Artifact,
  before: VersionManifest | undefined,
  created_at: string,
): string {
  return formatJson({ ...before, version, created_at, artifacts: artifactsAfter(before, artifact) });
}

/** Replaces the artifact with the same name. If there is no such artifact, the new one becomes the only one. */
function artifactsAfter(before: VersionManifest | undefined, artifact: Artifact): readonly Artifact[] {
  const artifacts = before?.artifacts ?? [];
  if (!artifacts.some(({ name }) => name === artifact.name)) return [artifact];
  return artifacts.map((it) => (it.name === artifact.name ? artifact : it));
}

async function removalsOf({ plan, before }: ReleaseState, artifact: Artifact, artifactFile: string): Promise<string[]> {
  const kept = new Set(artifactsAfter(before, artifact).map(({ filename }) => filename));
  const removals: string[] = [];
  for (const { filename } of before?.artifacts ?? []) {
    const path = kept.has(filename) ? artifactFile : await placeOf(plan, before, filename);
    if (path !== artifactFile && exists(path)) removals.push(path);
  }
  return removals;
}

function exists(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}
