import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isOtaError, OtaError } from "@tinybms/ota-core";
import { acquireLock } from "@tinybms/ota-core/node";
import { isWhole, writeRecord } from "./environment-record.ts";
import { PYTHON_VERSION_MIN, pythonOf, succeeds } from "./python.ts";
import { runProcess } from "./run-process.ts";

/** The packages, pinned with their hashes. */
const REQUIREMENTS: string = fileURLToPath(new URL("../requirements.txt", import.meta.url));

/** How long to wait for another process that sets up the same environment, in milliseconds. */
const LOCK_TIMEOUT_MS = 300_000;

/** Tool that creates a virtual environment. */
export type EnvironmentMaker =
  | { readonly kind: "uv" }
  /** Python's venv and pip. `python` is the program and its first arguments. */
  | { readonly kind: "venv"; readonly python: readonly string[] };

/** Options of {@link makeEnvironment}. */
export interface SetUpOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((message: string) => void) | undefined;
}

/**
 * Returns the path of this user's private environment for the pinned packages, whether or not it exists. All projects
 * share it.
 *
 * @param python - Python that the user has chosen. Each has an environment of its own.
 */
export function environmentFolder(env: NodeJS.ProcessEnv, python = ""): string {
  const pins = createHash("sha256").update(readFileSync(REQUIREMENTS)).update(python).digest("hex").slice(0, 16);
  return join(cacheFolder(env), "esp-idf-nvs-partition-gen", `${pins}-${process.platform}-${process.arch}`);
}

/**
 * Creates a private environment under a temporary name and renames it once it is complete. Replaces an incomplete one.
 * If another process is creating it, waits for that process instead.
 *
 * @throws {@link OtaError} `nvs/generator-missing`, with the step that failed.
 * @throws The signal's reason.
 */
export async function makeEnvironment(folder: string, maker: EnvironmentMaker, options: SetUpOptions): Promise<void> {
  const { env, signal, onProgress } = options;
  const lock = await lockFor(folder, options);
  const unfinished = `${folder}.new`;
  try {
    if (await isWhole(folder, env, signal)) return;
    onProgress?.(`sets Espressif's generator up in ${folder} with ${maker.kind}: once, for all projects`);
    rmSync(unfinished, { recursive: true, force: true });
    await fill(unfinished, maker, options);
    writeRecord(unfinished);
    rmSync(folder, { recursive: true, force: true });
    renameSync(unfinished, folder);
    onProgress?.("is set up");
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
    lock.release();
  }
}

async function fill(folder: string, maker: EnvironmentMaker, options: SetUpOptions): Promise<void> {
  const pins = ["--require-hashes", "--only-binary", ":all:", "-r", REQUIREMENTS];
  if (maker.kind === "uv") {
    await step("uv", ["venv", "--quiet", "--no-project", "--python", `>=${PYTHON_VERSION_MIN}`, folder], options);
    const install = ["pip", "install", "--quiet", "--compile-bytecode", "--python", pythonOf(folder)];
    return step("uv", [...install, ...pins], options);
  }
  const [program = "", ...args] = maker.python;
  await step(program, [...args, "-m", "venv", "--without-pip", folder], options);
  const install = ["install", "--quiet", "--disable-pip-version-check", "--no-input", ...pins];
  // pip 22.3 and later can install into another environment. Installing pip there doubles the time of the set-up.
  const pip = [...args, "-m", "pip", "--python", pythonOf(folder)];
  if (await succeeds(program, [...pip, "--version"], options.env, options.signal)) {
    return step(program, [...pip, ...install], options);
  }
  await step(pythonOf(folder), ["-I", "-m", "ensurepip"], options);
  return step(pythonOf(folder), ["-I", "-m", "pip", ...install], options);
}

async function step(program: string, args: readonly string[], options: SetUpOptions): Promise<void> {
  const { env, signal } = options;
  // Without these variables, an active environment of another project would be used instead.
  const { VIRTUAL_ENV: _virtual, PYTHONHOME: _home, PYTHONPATH: _path, ...clean } = env;
  try {
    const { exitCode, output } = await runProcess({ program, args, env: clean, signal });
    if (exitCode === 0) return;
    const lines = output.trim().split("\n");
    throw missing(`${program} ${args.slice(0, 3).join(" ")} … ended with ${exitCode}: ${lines.slice(-3).join(" / ")}`);
  } catch (error) {
    if (signal?.aborted === true || error instanceof OtaError) throw error;
    throw missing(`${program} can't be started`, error);
  }
}

async function lockFor(folder: string, { signal, onProgress }: SetUpOptions): ReturnType<typeof acquireLock> {
  const onWait = (owner: string): void => onProgress?.(`waits for ${owner}, which sets Espressif's generator up`);
  try {
    mkdirSync(join(folder, ".."), { recursive: true });
    return await acquireLock(`${folder}.lock`, { timeoutMs: LOCK_TIMEOUT_MS, signal, onWait });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    if (isOtaError(error, "package/locked")) {
      const { pid = "unknown", ageSeconds } = error.details;
      const owner = `process ${pid} has been setting ${folder} up for ${ageSeconds} s`;
      throw missing(`${owner}; if it is gone, remove ${folder}.lock`, error);
    }
    throw missing(`${folder} can't be set up: ${error instanceof Error ? error.message : error}`, error);
  }
}

function cacheFolder(env: NodeJS.ProcessEnv): string {
  if (process.platform === "win32") return env.LOCALAPPDATA || join(homedir(), "AppData", "Local");
  // The XDG base directory specification says to ignore a relative path.
  const { XDG_CACHE_HOME: chosen = "" } = env;
  if (isAbsolute(chosen)) return chosen;
  return process.platform === "darwin" ? join(homedir(), "Library", "Caches") : join(homedir(), ".cache");
}

function missing(reason: string, cause?: unknown): OtaError<"nvs/generator-missing"> {
  return new OtaError("nvs/generator-missing", reason, { reason }, { cause });
}
