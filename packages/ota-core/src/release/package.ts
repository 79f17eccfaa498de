import { lstat, mkdir, rm, rmdir } from "node:fs/promises";
import { dirname } from "node:path";
import { toHex, utf8 } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import { formatJson } from "../json/format-json.ts";
import { type LoadedRoot, loadRootManifest, verifyArtifact } from "../manifest/load.ts";
import { piecesOf, readManifest, reasonOf } from "../manifest/load-file.ts";
import { DEFAULT_PROTOCOLS } from "../manifest/root.ts";
import { addVersion } from "../manifest/update.ts";
import { parseVersionManifest } from "../manifest/version.ts";
import type { Artifact, VersionManifest } from "../schemas/types.generated.ts";
import { createSha256 } from "../sha256.ts";
import type { PackageOptions, PackageResult } from "./package-options.ts";
import { type PackagePlan, planPackage } from "./plan.ts";
import { type Binary, checkHardware, readBinary } from "./read-image.ts";
import { syncFolder, writeFileAtomically, writePiecesAtomically } from "./write-atomically.ts";

/**
 * Makes a release of an app image: the copy, its version manifest, and on request the entry in the root manifest.
 *
 * Everything is checked before anything is written. Each file is written atomically, in an order in which none names
 * what isn't there yet: the copy, then `ota.json`, then the root manifest. Releasing the same bytes under the same
 * version again writes nothing. Other bytes under the same version and file name replace the copy before `ota.json`:
 * after a crash between the two the version fails its verification until it is packaged again.
 *
 * @throws {@link OtaError} `manifest/…` of the root manifest; `image/…` and `package/…` as `readBinary`,
 *   `checkHardware` and `planPackage`; `package/write-failed`. Nothing is left behind. The signal's reason when aborted.
 */
export async function packageRelease(options: PackageOptions): Promise<PackageResult> {
  const root = await loadRootManifest(options.manifest ?? "ota/manifest.json");
  const binary = await readBinary(options.binary, options.signal);
  const hardwareWarnings = checkHardware(binary, root.manifest.product.hardware);
  const plan = await planPackage(options, root, binary);
  const before = await readVersionManifest(plan);
  const artifact = describe(plan, binary, root, before);
  const steps = await stepsOf(options, { root, binary, plan, before, artifact });
  if (options.dryRun !== true) await carryOut(steps, plan, options.signal);
  const { name, filename, size, sha256, protocols = [] } = artifact;
  return {
    version: plan.version,
    dryRun: options.dryRun ?? false,
    manifest: root.file,
    versionManifest: plan.versionManifest,
    manifestUpdated: options.dryRun !== true && steps.some(({ file }) => file === root.file),
    artifacts: [{ name, filename, path: plan.artifactFile, size, sha256, protocols, image: binary.image }],
    written: steps.map(({ file }) => file),
    warnings: [...hardwareWarnings, ...plan.warnings, ...labelWarnings(options)],
  };
}

/** One file to write. */
interface Step {
  readonly file: string;
  /** Whether nothing stands there yet, so that a failure of a later step can take it back. */
  readonly isNew: boolean;
  readonly write: () => Promise<void>;
}

interface Release {
  readonly root: LoadedRoot;
  readonly binary: Binary;
  readonly plan: PackagePlan;
  readonly before: VersionManifest | undefined;
  readonly artifact: Artifact;
}

/** The files that differ from what stands there, in the order in which they must be written. */
async function stepsOf(options: PackageOptions, { root, binary, plan, before, artifact }: Release): Promise<Step[]> {
  const steps: Step[] = [];
  const { artifactFile, versionManifest, manifestPath } = plan;
  if (!(await isInPlace(plan, artifact))) {
    steps.push({
      file: artifactFile,
      isNew: !(await exists(artifactFile)),
      write: () => copyBinary(binary, artifactFile, options.signal),
    });
  }
  if (before === undefined || !isRecorded(before, artifact)) {
    const text = versionManifestText(plan.version, artifact, before, options.now?.() ?? new Date());
    steps.push({
      file: versionManifest,
      isNew: !(await exists(versionManifest)),
      write: () => writeFileAtomically(versionManifest, utf8(text)),
    });
  }
  if (manifestPath === undefined) return steps;
  const label = options.label === undefined ? {} : { label: options.label };
  const entry = { id: plan.version, manifest: manifestPath, ...label };
  if (addVersion(root.text, entry, root.file) === root.text) return steps;
  // Read again: a build of another version may have added its entry while this one was copied.
  const write = async (): Promise<void> =>
    writeFileAtomically(root.file, utf8(addVersion(await readManifest(root.file), entry, root.file)));
  return [...steps, { file: root.file, isNew: false, write }];
}

async function carryOut(steps: readonly Step[], plan: PackagePlan, signal: AbortSignal | undefined): Promise<void> {
  if (steps.length === 0) return;
  const done: Step[] = [];
  let created: string | undefined;
  try {
    created = await orWriteFailed(plan.folder, signal, () => makeFolder(plan.folder));
    for (const step of steps) {
      signal?.throwIfAborted();
      await orWriteFailed(step.file, signal, step.write);
      done.push(step);
    }
  } catch (error) {
    for (const { file, isNew } of done) if (isNew) await rm(file, { force: true });
    if (created !== undefined) await removeEmptyFolders(plan.folder, created);
    throw error;
  }
}

async function orWriteFailed<T>(file: string, signal: AbortSignal | undefined, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof OtaError || signal?.aborted === true) throw error;
    throw new OtaError(
      "package/write-failed",
      `${file} can't be written: ${reasonOf(error)}`,
      { file },
      { cause: error },
    );
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await lstat(file);
    return true;
  } catch {
    return false;
  }
}

/** Creates a folder and those above it, on the disk; the first that wasn't there, if any. */
async function makeFolder(folder: string): Promise<string | undefined> {
  const created = await mkdir(folder, { recursive: true });
  if (created !== undefined) await syncFolder(dirname(created));
  return created;
}

/** Removes what {@link makeFolder} created, as far as nothing is in it. */
async function removeEmptyFolders(folder: string, created: string): Promise<void> {
  for (let path = folder; path.length >= created.length; path = dirname(path)) {
    try {
      await rmdir(path);
    } catch {
      return;
    }
  }
}

/** Copies the binary as it was when it was read: a file that changed since is refused. */
async function copyBinary({ file, sha256, size }: Binary, to: string, signal: AbortSignal | undefined): Promise<void> {
  const hash = createSha256();
  const hashed = async function* (): AsyncGenerator<Uint8Array, void, void> {
    for await (const piece of piecesOf(file, signal)) {
      hash.update(piece);
      yield piece;
    }
  };
  await writePiecesAtomically(to, hashed(), () => {
    if (toHex(hash.digest()) === sha256) return;
    const message = `${file} changed while it was read: its SHA-256 was ${sha256}, of ${size} bytes`;
    throw new OtaError("package/binary-unreadable", message, { file }, { hint: "wait for the build to end" });
  });
}

/** The version manifest that stands there, if it is a sound one; any other is replaced. */
async function readVersionManifest({ version, versionManifest }: PackagePlan): Promise<VersionManifest | undefined> {
  try {
    return parseVersionManifest(await readManifest(versionManifest), versionManifest, version);
  } catch (error) {
    if (error instanceof OtaError) return undefined;
    throw error;
  }
}

/** The artifact's entry. What a person has set for it in an earlier one is kept: its protocols and channels. */
function describe(plan: PackagePlan, binary: Binary, root: LoadedRoot, before: VersionManifest | undefined): Artifact {
  const { name, filename } = plan;
  const earlier = before?.artifacts.find((artifact) => artifact.name === name);
  const protocols = earlier?.protocols ?? root.manifest.deployment?.default_protocols ?? [...DEFAULT_PROTOCOLS];
  const named = protocols.length === 0 ? {} : { protocols };
  const channels = earlier?.channels === undefined ? {} : { channels: earlier.channels };
  return { name, filename, size: binary.size, sha256: binary.sha256, ...named, ...channels };
}

async function isInPlace(plan: PackagePlan, artifact: Artifact): Promise<boolean> {
  try {
    await verifyArtifact(plan.versionManifest, artifact, plan.artifactFile);
    return true;
  } catch (error) {
    if (error instanceof OtaError) return false;
    throw error;
  }
}

/** Whether a version manifest already says just this. */
function isRecorded({ artifacts, base_path: basePath }: VersionManifest, artifact: Artifact): boolean {
  const [first, ...others] = artifacts;
  const isSame =
    first?.name === artifact.name &&
    first.filename === artifact.filename &&
    first.size === artifact.size &&
    first.sha256.toLowerCase() === artifact.sha256;
  return isSame && others.length === 0 && basePath === undefined;
}

function versionManifestText(
  version: string,
  artifact: Artifact,
  before: VersionManifest | undefined,
  now: Date,
): string {
  const created_at = `${now.toISOString().slice(0, 19)}Z`;
  const channels = before?.channels === undefined ? {} : { channels: before.channels };
  const manifest: VersionManifest = { version, created_at, ...channels, artifacts: [artifact] };
  return formatJson(manifest);
}

function labelWarnings({ label, updateManifest }: PackageOptions): string[] {
  const isLost = label !== undefined && updateManifest !== true;
  return isLost
    ? ["the label is not written: it belongs to the root manifest's entry, so it needs --update-manifest"]
    : [];
}
