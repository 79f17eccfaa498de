import { Command, CommanderError } from "commander";
import { argumentFault } from "./argument-fault.ts";
import type { CommandOutput, CommandWorld, OutputOptions } from "./command-output.ts";
import { addOutputOptions } from "./help-text.ts";

/** Makes a commander action of a step that returns the exit code. */
export type RunStep = <Options>(
  step: (options: Options, output: CommandOutput) => Promise<number>,
) => (options: Options & OutputOptions) => Promise<void>;

/**
 * Gives a command its options and its action. What the action needs is imported when it runs: `--help` needs no MQTT.
 */
export type DeclareCommand = (command: Command, run: RunStep) => void;

/** What a command is called and does, and where its options are declared. */
export interface CommandDefinition {
  readonly name: string;
  readonly description: string;
  /** Heading under which help lists the command, such as "Signing commands:". */
  readonly group?: string;
  readonly load: () => Promise<DeclareCommand>;
}

/** A program of several commands. */
export interface ProgramDefinition {
  readonly name: string;
  readonly description: string;
  readonly version: string;
  readonly commands: readonly CommandDefinition[];
}

/**
 * Runs one command of a program.
 *
 * @param argv - The arguments after the program's name.
 * @returns The exit code: 0 done, 1 failed, 2 wrong arguments or input, 130 interrupted. Errors are reported, not thrown.
 */
export async function runProgram(
  definition: ProgramDefinition,
  argv: readonly string[],
  world: CommandWorld,
): Promise<number> {
  let exitCode = 0;
  const program = await buildProgram(definition, argv, world, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const output = await openOutput(world, { json: argv.includes("--json"), verbose: argv.includes("--verbose") });
    const { reportError } = await import("./report-error.ts");
    const unused = await buildProgram(definition, argv, world, () => undefined);
    return reportError(await argumentFault(error, unused, argv), output);
  }
}

/**
 * Builds the program with all commands, and the options of those that the arguments name: declaring the options of every
 * command takes longer than most commands run.
 */
async function buildProgram(
  { name, description, version, commands }: ProgramDefinition,
  argv: readonly string[],
  world: CommandWorld,
  onEnd: (exitCode: number) => void,
): Promise<Command> {
  const program = new Command(name)
    .description(description)
    .version(version, "--version", "display the version")
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => world.stdout.write(text),
      // runProgram reports errors in the form that all errors have.
      writeErr: () => undefined,
    });
  const run: RunStep = (step) => async (options) => onEnd(await step(options, await openOutput(world, options)));
  for (const definition of commands) {
    const command = program.command(definition.name).description(definition.description).allowExcessArguments(false);
    if (definition.group !== undefined) command.helpGroup(definition.group);
    if (argv.includes(definition.name)) (await definition.load())(command, run);
    addOutputOptions(command);
  }
  return program;
}

/** Imported when it is needed: what it needs in turn takes longer to load than `--help` takes as a whole. */
async function openOutput(world: CommandWorld, options: OutputOptions): Promise<CommandOutput> {
  const { CommandOutput } = await import("./command-output.ts");
  return new CommandOutput(world, options);
}
