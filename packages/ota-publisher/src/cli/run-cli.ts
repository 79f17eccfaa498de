import { createRequire } from "node:module";
import { isOtaError, OtaError } from "@tinybms/ota-core";
import { Command, CommanderError } from "commander";
import { CommandConsole, type CommandWorld, type OutputOptions } from "../commands/console.ts";
import { ExitCode, exitCodeOf } from "../commands/exit-code.ts";
import { declareDeploy } from "./declare-deploy.ts";
import { declarePackage } from "./declare-package.ts";
import { declareValidate } from "./declare-validate.ts";

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
    .version(String(createRequire(import.meta.url)("../../package.json").version), "--version", "print the version")
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
  declarePackage(add("package", "make a release of a build"), run);
  declareDeploy(add("deploy", "deliver a release to devices"), run);
  declareValidate(add("validate", "check a release line and list every fault"), run);
  return program;
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
