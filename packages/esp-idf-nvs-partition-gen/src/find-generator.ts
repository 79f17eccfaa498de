import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isOtaError, OtaError } from "@tinybms/ota-core";
import { isWhole } from "./environment-record.ts";
import { installHint } from "./install-hint.ts";
import { type EnvironmentMaker, environmentFolder, makeEnvironment, type SetUpOptions } from "./private-environment.ts";
import {
  canMakeEnvironment,
  findPython,
  GENERATOR_MODULE,
  hasGenerator,
  pythonOf,
  safePath,
  succeeds,
} from "./python.ts";

/** The command that starts Espressif's generator on this machine. */
export interface Generator {
  readonly program: string;
  /** Arguments that precede those of the generator. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Where the generator was found, for `--verbose`. */
  readonly origin: string;
}

/** Options of {@link findGenerator}. */
export interface FindOptions extends SetUpOptions {
  /** Path of a Python to use before all others. */
  readonly python?: string | undefined;
}

/** The generator's path in ESP-IDF. Since ESP-IDF 5.2, this script only starts the Python package. */
const IDF_SCRIPT = "components/nvs_flash/nvs_partition_generator/nvs_partition_gen.py";

/**
 * Finds Espressif's generator. Looks, in this order, at
 *
 * 1. the program or script that `ESP_IDF_NVS_PARTITION_GEN` names,
 * 2. the Python in `options`,
 * 3. an active ESP-IDF environment,
 * 4. the private environment in the user's cache folder, which it creates if necessary: with uv if that is installed,
 *    otherwise with Python's venv and pip.
 *
 * @throws {@link OtaError} `nvs/generator-missing`, with a hint that says what to install.
 * @throws The signal's reason.
 */
export async function findGenerator(options: FindOptions): Promise<Generator> {
  const { env, python, signal } = options;
  const named = env.ESP_IDF_NVS_PARTITION_GEN ?? "";
  if (named !== "") return await namedGenerator(named, options);
  if (python !== undefined) return chosenPython(python, options);
  return (await activeIdf(env, signal)) ?? (await privateGenerator(options));
}

async function namedGenerator(path: string, { env, python, signal }: FindOptions): Promise<Generator> {
  if (!existsSync(path)) throw missing(`ESP_IDF_NVS_PARTITION_GEN names ${path}, which does not exist`);
  const origin = `ESP_IDF_NVS_PARTITION_GEN: ${path}`;
  if (!path.endsWith(".py")) return { program: path, args: [], env, origin };
  const [program, ...args] = python === undefined ? ((await findPython(env, signal)) ?? []) : [python];
  if (program === undefined) throw missing(`there is no Python to run ${path}`);
  return { program, args: [...args, path], env, origin };
}

async function chosenPython(python: string, options: FindOptions): Promise<Generator> {
  const { env, signal } = options;
  if (await hasGenerator(python, env, signal)) return moduleOf(python, env, `the Python ${python}`);
  if (!(await canMakeEnvironment([python], env, signal))) {
    throw missing(`${python} neither has the generator nor can create a virtual environment for it`);
  }
  const folder = environmentFolder(env, python);
  if (!(await isWhole(folder, env, signal))) await makeEnvironment(folder, { kind: "venv", python: [python] }, options);
  return privateModule(folder, env);
}

/** Returns the generator of the active ESP-IDF environment (`export.sh`). */
async function activeIdf(env: NodeJS.ProcessEnv, signal: AbortSignal | undefined): Promise<Generator | undefined> {
  const { IDF_PATH: idf = "", IDF_PYTHON_ENV_PATH: environment = "" } = env;
  if (idf === "" && environment === "") return undefined;
  const python = environment === "" ? (await findPython(env, signal))?.[0] : pythonOf(environment);
  if (python === undefined) return undefined;
  if (await hasGenerator(python, env, signal)) return moduleOf(python, env, `the ESP-IDF environment of ${python}`);
  const script = join(idf, IDF_SCRIPT);
  if (idf === "" || !isWholeScript(script)) return undefined;
  if (!(await succeeds(python, ["-c", "import cryptography"], env, signal))) return undefined;
  return { program: python, args: [script], env, origin: `ESP-IDF: ${script}` };
}

/** Returns `true` if a script is the generator itself, not a wrapper around the Python package. */
function isWholeScript(path: string): boolean {
  try {
    return !readFileSync(path, "utf8").includes(GENERATOR_MODULE);
  } catch {
    return false;
  }
}

async function privateGenerator(options: FindOptions): Promise<Generator> {
  const { env, signal } = options;
  const folder = environmentFolder(env);
  if (await isWhole(folder, env, signal)) return privateModule(folder, env);
  const failures: string[] = [];
  for await (const maker of makers(env, signal)) {
    try {
      await makeEnvironment(folder, maker, options);
      return privateModule(folder, env);
    } catch (error) {
      if (!isOtaError(error, "nvs/generator-missing")) throw error;
      failures.push(error.message);
    }
  }
  if (failures.length === 0) throw missing("neither uv nor a Python with venv is installed");
  const network = "the first run downloads pinned packages: check the network and pip's or uv's settings, or";
  throw missing(failures.join("; "), `${network} ${installHint()}`);
}

async function* makers(env: NodeJS.ProcessEnv, signal: AbortSignal | undefined): AsyncGenerator<EnvironmentMaker> {
  if (await succeeds("uv", ["--version"], env, signal)) yield { kind: "uv" };
  const python = await findPython(env, signal);
  if (python !== undefined) yield { kind: "venv", python };
}

function privateModule(folder: string, env: NodeJS.ProcessEnv): Generator {
  const program = pythonOf(folder);
  // -I (isolated): no modules from the current folder or from PYTHONPATH.
  return { program, args: ["-I", "-m", GENERATOR_MODULE], env, origin: `the private environment ${folder}` };
}

function moduleOf(python: string, env: NodeJS.ProcessEnv, origin: string): Generator {
  return { program: python, args: ["-m", GENERATOR_MODULE], env: safePath(env), origin };
}

function missing(reason: string, hint = installHint()): OtaError<"nvs/generator-missing"> {
  const message = `Espressif's NVS partition generator can't be started: ${reason}`;
  return new OtaError("nvs/generator-missing", message, { reason }, { hint });
}
