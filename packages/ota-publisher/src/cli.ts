import { createRequire } from "node:module";
import { isOtaError, OtaError } from "@tinybms/ota-core";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { CommandConsole, type CommandWorld, type OutputOptions } from "./commands/console.ts";
import type { DeployCommandOptions } from "./commands/deploy-options.ts";
import { ExitCode, exitCodeOf } from "./commands/exit-code.ts";
import type { PackageCommandOptions } from "./commands/package.ts";
import type { ValidateCommandOptions } from "./commands/validate.ts";

const MANIFEST_DEFAULT = "ota/manifest.json";

/**
 * Runs `tinybms-ota`.
 *
 * @param argv - The arguments after the command's name.
 * @returns The exit code: 0 done, 1 failed, 2 wrong arguments or input, 130 interrupted.
 */
export async function runCli(argv: readonly string[], world: CommandWorld): Promise<number> {
  let exitCode: number = ExitCode.done;
  const program = buildProgram(world, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return ExitCode.done;
    const json = argv.includes("--json");
    const console = new CommandConsole(world, { json, verbose: argv.includes("--verbose") });
    return fail(error, console);
  }
}

function buildProgram(world: CommandWorld, onEnd: (exitCode: number) => void): Command {
  const program = new Command("tinybms-ota")
    .description("Packages ESP32 firmware and delivers it to devices.")
    .version(String(createRequire(import.meta.url)("../package.json").version), "--version", "print the version")
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => world.stdout.write(text),
      // Faults are told by runCli, in the form that all errors have.
      writeErr: () => undefined,
    });
  program.allowExcessArguments().action(() => {
    const [name] = program.args;
    const fault = name === undefined ? "no command is given" : `there is no command ${JSON.stringify(name)}`;
    throw new CommanderError(1, "commander.unknownCommand", `${fault}; there are ${namesOf(program)}`);
  });
  const add = (name: string, description: string): Command => {
    const command = program.command(name).description(description).allowExcessArguments(false);
    return command
      .option("--json", "print one JSON document on standard output")
      .option("--verbose", "say more, with the origin of errors")
      .option("--quiet", "say only what is wrong");
  };
  const run = <Options extends OutputOptions>(
    step: (options: Options, console: CommandConsole) => Promise<number>,
  ): ((options: Options) => Promise<void>) => {
    return async (options) => onEnd(await step(options, new CommandConsole(world, options)));
  };
  addPackage(add("package", "make a release of a build"), run);
  addDeploy(add("deploy", "deliver a release to devices"), run);
  addValidate(add("validate", "check a release line and list every fault"), run);
  return program;
}

type Run = <Options extends OutputOptions>(
  step: (options: Options, console: CommandConsole) => Promise<number>,
) => (options: Options) => Promise<void>;

// What a command needs is loaded when it runs: `--help` needs no MQTT.

function addPackage(command: Command, run: Run): void {
  command
    .requiredOption("--binary <file>", "the app image that idf.py build wrote: build/<project>.bin")
    .option("--manifest <file>", "the root manifest", MANIFEST_DEFAULT)
    .option("--version <version>", "the version; without it that of the image's app descriptor")
    .option("--project <name>", "name of the artifact; without it product.name of the manifest")
    .option("--output <folder>", "folder that gets <version>/; without it versions/ beside the manifest")
    .option("--artifact-name <name>", "file name of the copy; without it <project>-<version>.bin")
    .option("--label <text>", "label of the manifest's entry")
    .option("--update-manifest", "add the version to the root manifest, or replace its entry")
    .option("--dry-run", "check everything and write nothing")
    .action(
      run(async (options: PackageCommandOptions, console) => {
        const { runPackage } = await import("./commands/package.ts");
        return runPackage(options, console);
      }),
    );
}

function addDeploy(command: Command, run: Run): void {
  command
    .requiredOption("--version <version>", "the version to deliver")
    .option("--manifest <file>", "the root manifest", MANIFEST_DEFAULT)
    .addOption(
      repeatable("--transport <name>", "way to the devices; without it the artifact's protocols decide").argParser(
        oneOf(["mqtt", "https", "serial"]),
      ),
    )
    .addOption(repeatable("--device <id>", "deliver to this device alone; repeat it for more"))
    .option("--device-file <file>", "deliver to the devices that a file names, one on each line")
    .option("--expect <count>", "how many devices must end well", positiveInteger)
    .addOption(
      new Option("--wait <state>", "how far devices must come")
        .choices(["confirmed", "downloaded", "none"])
        .default("confirmed"),
    )
    .option("--timeout <seconds>", "how long the delivery may take", positiveNumber, 600)
    .addOption(new Option("--mode <mode>", "how the image travels").choices(["chunked", "blob"]))
    .option("--broker <url>", "the broker, above the manifest's; embedded or embedded://HOST:PORT starts one here")
    .option("--dry-run", "check everything and deliver nothing")
    .action(
      run(async (options: DeployCommandOptions, console) => {
        const { runDeploy } = await import("./commands/deploy.ts");
        return runDeploy(options, console);
      }),
    );
}

function addValidate(command: Command, run: Run): void {
  command
    .option("--manifest <file>", "the root manifest", MANIFEST_DEFAULT)
    .addOption(new Option("--format <format>", "how problems are written").choices(["text", "github"]).default("text"))
    .action(
      run(async (options: ValidateCommandOptions, console) => {
        const { runValidate } = await import("./commands/validate.ts");
        return runValidate(options, console);
      }),
    );
}

/** Tells an error, as text or as JSON. */
function fail(thrown: unknown, console: CommandConsole): number {
  const error = otaErrorOf(thrown, console.world.signal);
  if (error === undefined) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    const text = console.verbose && thrown instanceof Error ? (thrown.stack ?? message) : message;
    console.printJson({ error: { code: "unexpected", message, details: {} } });
    console.world.stderr.write(`error[unexpected]: ${text}\n`);
    return ExitCode.failed;
  }
  console.printJson({ error });
  console.fail(error);
  return exitCodeOf(error);
}

function otaErrorOf(thrown: unknown, signal: AbortSignal): OtaError | undefined {
  if (isOtaError(thrown)) return thrown;
  if (thrown instanceof CommanderError) return argumentError(thrown);
  return signal.aborted ? new OtaError("delivery/interrupted", "interrupted", {}) : undefined;
}

/** commander's message without what stands around it: `error: `, and a suggestion in parentheses on its own line. */
function argumentError({ message }: CommanderError): OtaError<"arguments/invalid"> {
  const [first = "", suggestion = ""] = message.replace(/^error: /, "").split("\n");
  const option = /--[a-z][a-z-]*/.exec(first)?.[0];
  const hint = suggestion === "" ? "--help lists commands and options" : suggestion.replace(/^\((.*)\)$/, "$1");
  return new OtaError("arguments/invalid", first, option === undefined ? {} : { option }, { hint });
}

function namesOf(program: Command): string {
  return program.commands.map((command) => command.name()).join(", ");
}

function repeatable(flags: string, description: string): Option {
  return new Option(flags, description).argParser((value: string, previous: readonly string[] = []) => [
    ...previous,
    value,
  ]);
}

function oneOf(
  names: readonly string[],
): (value: string, previous: readonly string[] | undefined) => readonly string[] {
  return (value, previous = []) => {
    if (names.includes(value)) return [...previous, value];
    throw new InvalidArgumentError(`Allowed choices are ${names.join(", ")}.`);
  };
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (/^[0-9]+$/.test(text) && value > 0 && value <= 1_000_000) return value;
  throw new InvalidArgumentError("It must be a whole number from 1 to 1000000.");
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (/^[0-9]+(?:\.[0-9]+)?$/.test(text) && value > 0 && value <= 1_000_000) return value;
  throw new InvalidArgumentError("It must be a number above 0, up to 1000000.");
}
