import { mkdir, rm, rmdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { OtaError } from "../errors.ts";
import { loadRootManifest } from "../manifest/load.ts";
import { reasonOf } from "../manifest/load-file.ts";
import { acquireLock, type Lock } from "./lock.ts";
import type { PackageChange, PackageOptions, PackageResult } from "./package-options.ts";
import { type PackagePlan, planPackage } from "./plan.ts";
import { type Binary, familyAdvice, readBinary } from "./read-image.ts";
import { readReleased, refuseOtherBytes, refuseOtherCase } from "./released.ts";
import { type Steps, stepsOf } from "./steps.ts";
import { type PreparedFile, removeLeftovers, syncFolder } from "./write-atomically.ts";

const LOCK_TIMEOUT_MS = 30_000;

/**
 * Makes a release of an app image: the copy, its version manifest, and on request the entry in the root manifest.
 *
 * Everything is checked before anything is written, and a lock keeps other builds of the release line away meanwhile.
 * Each file is written atomically, in an order in which none names what isn't there yet: the copy, then `ota.json`, then
 * the root manifest. So a crash at any moment leaves the old release line or the new one, at worst with a file that
 * nothing names. Releasing the same bytes under the same version again writes nothing, signed by the same keys or not.
 *
 * A signed release stands in `release.json`, written before `ota.json`: where a forced release is cut off between the
 * two, the signature is over other bytes than the file, which `deploy` refuses until it is packaged again.
 *
 * @throws {@link OtaError} `manifest/…` of the manifests; `image/…` and `package/…` as `readBinary`, `Binary.faults`,
 *   `planPackage`, `refuseOtherCase`, `refuseOtherBytes` and `acquireLock`; `package/write-failed`; what a signer throws. Nothing is left
 *   behind. The signal's
 *   reason when aborted.
 */
export async function packageRelease(options: PackageOptions): Promise<PackageResult> {
  const manifest = options.manifest ?? "ota/manifest.json";
  const root = await loadRootManifest(manifest);
  const binary = await readBinary(options.binary, options.signal);
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

/** Reads the manifests as they are now, under the lock, and says what is to be written. */
async function decide(options: PackageOptions, plan: PackagePlan, binary: Binary, manifest: string): Promise<Steps> {
  const root = await loadRootManifest(manifest);
  await refuseOtherCase(root, plan);
  const before = await readReleased(plan, options.force === true);
  if (options.force !== true) await refuseOtherBytes(root, plan, binary, before);
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
    if (created !== undefined) await removeEmptyFolders(folder, created);
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
  const folder = dirname(artifactFile); // the version's, or one below it
  const created = await orWriteFailed(folder, signal, () => makeFolder(folder));
  try {
    await writeAll(writes, lock, signal);
  } catch (error) {
    if (created !== undefined) await removeEmptyFolders(folder, created);
    throw error;
  }
  for (const path of removals) await rm(path, { force: true }).catch(() => undefined);
}

/** Brings all files to the disk, and only then gives them their names: a disk that fills up changes nothing. */
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
    for (const path of added) await rm(path, { force: true });
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

/** Creates a folder and those above it, on the disk; the first that wasn't there, if any. */
async function makeFolder(folder: string): Promise<string | undefined> {
  const created = await mkdir(folder, { recursive: true });
  if (created === undefined) return undefined;
  // mkdir says where it began as an absolute path.
  for (let path = resolve(folder); path.length >= created.length; path = dirname(path)) await syncFolder(dirname(path));
  return created;
}

/** Removes what {@link makeFolder} created, as far as nothing is in it. */
async function removeEmptyFolders(folder: string, created: string): Promise<void> {
  for (let path = resolve(folder); path.length >= created.length; path = dirname(path)) {
    try {
      await rmdir(path);
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
