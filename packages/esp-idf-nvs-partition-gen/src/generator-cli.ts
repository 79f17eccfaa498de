import { isOtaError } from "@tinybms/ota-core";
import { csvFinding } from "./csv-finding.ts";
import { findGenerator, type Generator } from "./find-generator.ts";
import { runOnTerminal, runProcess } from "./run-process.ts";

/** What the command needs of the process it runs in. */
export interface CliWorld {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { readonly isTTY?: boolean; write(text: string): unknown };
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Ends the setting up; the generator itself gets signals of its own. */
  readonly signal: AbortSignal;
}

/** Options of the wrapper, which stand before the generator's own arguments. */
interface WrapperOptions {
  readonly isVerbose: boolean;
  readonly python: string | undefined;
  readonly rest: readonly string[];
}

/** Prints what release of the package a Python has. */
const VERSION_CODE =
  "import importlib.metadata as m; print('esp-idf-nvs-partition-gen', m.version('esp-idf-nvs-partition-gen'))";

/**
 * Runs `esp-idf-nvs-partition-gen`: Espressif's generator with the arguments as they are. Before them may stand
 * `--verbose` and `--python FILE`; `--version` alone, which the generator does not know, prints its release.
 *
 * @param argv - The arguments after the command's name.
 * @returns The generator's exit code; 1 if it can't be started, 2 for a `--python` without a file.
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
    if (rest.length === 1 && rest[0] === "--version") return await tellVersion(generator, world);
    const { program, args } = generator;
    return (await runOnTerminal({ program, args: [...args, ...rest], env: generator.env, cwd: world.cwd })).exitCode;
  } catch (error) {
    if (signal.aborted) return 130;
    say(error instanceof Error ? error.message : String(error));
    if (isOtaError(error) && error.hint !== undefined) say(error.hint);
    if (isVerbose && error instanceof Error && error.cause !== undefined) say(`because of: ${error.cause}`);
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

async function tellVersion({ program, args, env }: Generator, world: CliWorld): Promise<number> {
  const module = args.indexOf("-m");
  // A script or program of the user's own answers for itself.
  if (module < 0) return (await runOnTerminal({ program, args: [...args, "--version"], env })).exitCode;
  const call = { program, args: [...args.slice(0, module), "-c", VERSION_CODE], env, signal: world.signal };
  const { exitCode, output } = await runProcess(call);
  (exitCode === 0 ? world.stdout : world.stderr).write(output);
  return exitCode;
}
