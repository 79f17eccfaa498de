import { mkdirSync, rmdirSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { OtaError } from "../errors.ts";
import { loadRootManifest } from "../manifest/load.ts";
import { reasonOf } from "../manifest/load-file.ts";
import { acquireLock, type Lock } from "./lock.ts";
import type { PackageChange, PackageOptions, PackageResult } from "./package-options.ts";
import { type PackagePlan, planPackage } from "./plan.ts";
import { type Binary, familyAdvice, readBinary } from "./read-image.ts";
import { assertNoCaseVariant, assertSameBytes, readReleased } from "./released.ts";
import { type Steps, stepsOf } from "./steps.ts";
import { type PreparedFile, removeLeftovers, syncFolder } from "./write-atomically.ts";

const LOCK_TIMEOUT_MS = 30_000;

/**
 * Packages an app image as a release: a copy, its version manifest and, on request, its entry in the root manifest.
 *
 * Checks everything before it writes anything, and excludes other builds of the release line with a lock. Writes each
 * file atomically, in an order in which no file refers to a missing one: the copy, then `ota.json`, then the root
 * manifest. A crash at any moment therefore leaves the old release line or the new one, at worst with an unreferenced
 * file. Packaging the same bytes under the same version again writes nothing, signed by the same keys or not.
 *
 * A signed release is written to `release.json` before `ota.json`. If a forced release is interrupted between the two,
 * the signature covers other bytes than the file's, and `deploy` refuses it until it is packaged again.
 *
 * @throws {@link OtaError} `manifest/…` if a manifest is missing or invalid.
 * @throws {@link OtaError} `image/…` or `package/…` if the binary or a name is refused: see `readBinary`,
 *   `Binary.faults`, `planPackage`, `assertNoCaseVariant`, `assertSameBytes` and `acquireLock`.
 * @throws {@link OtaError} `package/write-failed` if a file can't be written.
 * @throws The errors of a signer, and the signal's reason. Leaves no unfinished file behind.
 */
export async function packageRelease(options: PackageOptions): Promise<PackageResult> {
  const manifest = options.manifest ?? "ota/manifest.json";
  const root = await loadRootManifest(manifest);
  const { signal, signers = [] } = options;
  const binary = await readBinary(options.binary, { signal, withHashList: signers.length > 0 });
  const { hardware } = root.manifest.product;
  for (const { error, blocks } of binary.faults(hardware)) if (blocks === "every-way") throw error;
  const advice = familyAdvice(binary.image.chip, hardware);
  const plan = await planPackage(options, root, binary);
  const warnings = [...root.warnings, ...(advice === undefined ? [] : [advice]), ...plan.warnings];
  warnings.push(...labelWarnings(options));
  if (options.dryRun === true) {
    const steps = await decide(options, plan, binary, manifest);
    return resultOf(manifest, plan, binary, steps, { dryRun: true, warnings });
  }
  const steps = await locked(options, plan, async (lock) => {
    const decided = await decide(options, plan, binary, manifest);
    await carryOut(decided, plan, lock, options.signal);
    return decided;
  });
  return resultOf(manifest, plan, binary, steps, { dryRun: false, warnings });
}

/** Reads the current manifests under the lock and decides what to write. */
async function decide(options: PackageOptions, plan: PackagePlan, binary: Binary, manifest: string): Promise<Steps> {
  const root = await loadRootManifest(manifest);
  await assertNoCaseVariant(root, plan);
  const before = await readReleased(plan, options.force === true);
  if (options.force !== true) await assertSameBytes(root, plan, binary, before);
  return await stepsOf(options, { root, binary, plan, before });
}

function resultOf(
  manifest: string,
  plan: PackagePlan,
  binary: Binary,
  { artifact, artifactFile, writes, removals, warnings: late }: Steps,
  { dryRun, warnings }: Pick<PackageResult, "dryRun" | "warnings">,
): PackageResult {
  const { name, filename, size, sha256, protocols = [] } = artifact;
  const changes: PackageChange[] = writes.map(({ path, action }) => ({ path, action }));
  for (const path of removals) changes.push({ path, action: "remove" });
  return {
    version: plan.version,
    dryRun,
    manifest,
    versionManifest: plan.versionManifest,
    manifestUpdated: !dryRun && writes.some(({ path }) => path === manifest),
    artifacts: [{ name, filename, path: artifactFile, size, sha256, protocols, image: binary.image }],
    changes,
    warnings: [...warnings, ...late],
  };
}

/** Runs a step while the release line is locked. */
async function locked<T>(options: PackageOptions, plan: PackagePlan, run: (lock: Lock) => Promise<T>): Promise<T> {
  const { signal, onWait, lockTimeoutMs: timeoutMs = LOCK_TIMEOUT_MS } = options;
  const folder = dirname(plan.lockFile);
  const created = await orWriteFailed(folder, signal, () => makeFolder(folder));
  try {
    const lock = await orWriteFailed(plan.lockFile, signal, () =>
      acquireLock(plan.lockFile, { timeoutMs, signal, onWait }),
    );
    try {
      await removeLeftovers(folder);
      return await run(lock);
    } finally {
      lock.release();
    }
  } finally {
    if (created !== undefined) removeEmptyFolders(folder, created);
  }
}

async function carryOut(
  { artifactFile, writes, removals }: Steps,
  plan: PackagePlan,
  lock: Lock,
  signal: AbortSignal | undefined,
): Promise<void> {
  await removeLeftovers(plan.folder);
  if (writes.length === 0) return;
  const folder = dirname(artifactFile); // the version's folder, or one below it
  const created = await orWriteFailed(folder, signal, () => makeFolder(folder));
  try {
    await writeAll(writes, lock, signal);
  } catch (error) {
    if (created !== undefined) removeEmptyFolders(folder, created);
    throw error;
  }
  for (const path of removals) removeFile(path);
}

/** Removes a file to which nothing refers any more, if it can be removed. */
function removeFile(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It stays, and does no harm.
  }
}

/** Flushes all files to the disk before renaming any, so that a full disk changes nothing. */
async function writeAll(writes: Steps["writes"], lock: Lock, signal: AbortSignal | undefined): Promise<void> {
  const prepared: PreparedFile[] = [];
  const added: string[] = [];
  try {
    for (const { path, prepare } of writes) {
      signal?.throwIfAborted();
      prepared.push(await orWriteFailed(path, signal, prepare));
    }
    signal?.throwIfAborted();
    lock.assertHeld();
    for (const { path, action } of writes) {
      await orWriteFailed(path, signal, async () => await prepared.shift()?.commit());
      if (action === "create") added.push(path);
    }
  } catch (error) {
    for (const file of prepared) await file.discard();
    for (const path of added) rmSync(path, { force: true });
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

/**
 * Creates a folder and its missing parents, and flushes them to the disk. Returns the topmost created folder, if any.
 */
async function makeFolder(folder: string): Promise<string | undefined> {
  const created = mkdirSync(folder, { recursive: true });
  if (created === undefined) return undefined;
  // mkdir returns an absolute path.
  for (let path = resolve(folder); path.length >= created.length; path = dirname(path)) await syncFolder(dirname(path));
  return created;
}

/** Removes the folders that {@link makeFolder} created, as long as they are empty. */
function removeEmptyFolders(folder: string, created: string): void {
  for (let path = resolve(folder); path.length >= created.length; path = dirname(path)) {
    try {
      rmdirSync(path);
    } catch {
      return;
    }
  }
}

function labelWarnings({ label, updateManifest }: PackageOptions): string[] {
  const isLost = label !== undefined && updateManifest !== true;
  return isLost
    ? ["the label is not written: it belongs to the root manifest's entry, so it needs --update-manifest"]
    : [];
}
