import { join } from "node:path";
import { runProcess } from "./run-process.ts";

/** Name of the Python module of Espressif's generator. */
export const GENERATOR_MODULE = "esp_idf_nvs_partition_gen";

/** Oldest Python version that the pinned packages support. */
export const PYTHON_VERSION_MIN = "3.10";

/** Returns the path of Python in a virtual environment. */
export function pythonOf(environmentFolder: string): string {
  if (process.platform === "win32") return join(environmentFolder, "Scripts", "python.exe");
  return join(environmentFolder, "bin", "python");
}

/** Returns `true` if a Python can be started and can import the generator. */
export function hasGenerator(python: string, env: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<boolean> {
  const code = `import importlib.util, sys; sys.exit(importlib.util.find_spec("${GENERATOR_MODULE}") is None)`;
  return succeeds(python, ["-c", code], env, signal);
}

/**
 * Finds a Python on `PATH` that is new enough and can create virtual environments.
 *
 * @returns The program and its first arguments.
 */
export async function findPython(env: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<readonly string[] | undefined> {
  const candidates = process.platform === "win32" ? [["python"], ["py", "-3"]] : [["python3"], ["python"]];
  for (const [program = "", ...args] of candidates) {
    if (await canMakeEnvironment([program, ...args], env, signal)) return [program, ...args];
  }
  return undefined;
}

/**
 * Returns `true` if a Python is new enough and can create virtual environments. On Debian that needs the package
 * python3-venv.
 */
export function canMakeEnvironment(
  [program = "", ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<boolean> {
  const version = PYTHON_VERSION_MIN.replace(".", ", ");
  return succeeds(
    program,
    [...args, "-c", `import ensurepip, sys, venv; sys.exit(sys.version_info < (${version}))`],
    env,
    signal,
  );
}

/** Returns `true` if a program can be started and exits with 0. */
export async function succeeds(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<boolean> {
  try {
    return (await runProcess({ program, args, env: safePath(env), signal })).exitCode === 0;
  } catch (error) {
    if (signal?.aborted === true) throw error;
    return false;
  }
}

/** Returns environment variables that keep Python from importing modules of the current folder (Python 3.11 and later). */
export function safePath(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, PYTHONSAFEPATH: "1" };
}
