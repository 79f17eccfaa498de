import { isOtaError } from "@tinybms/ota-core";
import { csvFinding } from "./csv-finding.ts";
import { findGenerator, type Generator } from "./find-generator.ts";
import { runOnTerminal, runProcess } from "./run-process.ts";

/** Process that the command runs in. */
export interface CliWorld {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { readonly isTTY?: boolean; write(text: string): unknown };
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Stops the set-up. The running generator receives signals directly. */
  readonly signal: AbortSignal;
}

/** Options of the wrapper, which precede the generator's own arguments. */
interface WrapperOptions {
  readonly isVerbose: boolean;
  readonly python: string | undefined;
  readonly rest: readonly string[];
}

/** Python code that prints the installed version of the generator. */
const VERSION_CODE =
  "import importlib.metadata as m; print('esp-idf-nvs-partition-gen', m.version('esp-idf-nvs-partition-gen'))";

/**
 * Runs `esp-idf-nvs-partition-gen`: Espressif's generator with unchanged arguments. `--verbose` and `--python FILE` may
 * precede them. `--version` alone, which the generator does not have, prints the generator's version.
 *
 * @param argv - Arguments after the command's name.
 * @returns The generator's exit code; 1 if it can't be started; 2 if `--python` has no value.
 */
export async function runCli(argv: readonly string[], world: CliWorld): Promise<number> {
  const { isVerbose, python, rest } = wrapperOptions(argv);
  const { env, stderr, signal } = world;
  const say = (message: string): void => void stderr.write(`esp-idf-nvs-partition-gen: ${message}\n`);
  if (python === "") {
    say("--python needs the path of a Python");
    return 2;
  }
  const onProgress = (message: string): void => {
    if (isVerbose || stderr.isTTY === true) say(message);
  };
  try {
    const finding = csvFinding(rest, world.cwd);
    if (finding !== undefined) say(finding);
    const generator = await findGenerator({ env, python, signal, onProgress });
    if (isVerbose) say(`uses ${generator.origin}`);
    if (rest.length === 1 && rest[0] === "--version") return await printVersion(generator, world);
    const { program, args } = generator;
    return (await runOnTerminal({ program, args: [...args, ...rest], env: generator.env, cwd: world.cwd })).exitCode;
  } catch (error) {
    if (signal.aborted) return 130;
    say(error instanceof Error ? error.message : String(error));
    if (isOtaError(error) && error.hint !== undefined) say(error.hint);
    if (isVerbose && error instanceof Error && error.cause !== undefined) say(`caused by: ${error.cause}`);
    return 1;
  }
}

function wrapperOptions(argv: readonly string[]): WrapperOptions {
  let isVerbose = false;
  let python: string | undefined;
  let index = 0;
  for (; index < argv.length; index++) {
    const argument = argv[index] ?? "";
    if (argument === "--verbose") isVerbose = true;
    else if (argument === "--python") python = argv[++index] ?? "";
    else if (argument.startsWith("--python=")) python = argument.slice("--python=".length);
    else break;
  }
  return { isVerbose, python, rest: argv.slice(index) };
}

async function printVersion({ program, args, env }: Generator, world: CliWorld): Promise<number> {
  const module = args.indexOf("-m");
  // The user's own script or program may have a --version.
  if (module < 0) return (await runOnTerminal({ program, args: [...args, "--version"], env })).exitCode;
  const call = { program, args: [...args.slice(0, module), "-c", VERSION_CODE], env, signal: world.signal };
  const { exitCode, output } = await runProcess(call);
  (exitCode === 0 ? world.stdout : world.stderr).write(output);
  return exitCode;
}
