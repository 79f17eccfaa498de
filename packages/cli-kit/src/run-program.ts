import { Command, CommanderError } from "commander";
import { argumentFault } from "./argument-fault.ts";
import type { CommandOutput, CommandWorld, OutputOptions } from "./command-output.ts";
import { addOutputOptions } from "./help-text.ts";

/** Turns a step that returns an exit code into a commander action. */
export type RunStep = <Options>(
  step: (options: Options, output: CommandOutput) => Promise<number>,
) => (options: Options & OutputOptions) => Promise<void>;

/**
 * Declares the options and the action of a command. The action imports what it needs when it runs, so that `--help` does
 * not load MQTT.
 */
export type DeclareCommand = (command: Command, run: RunStep) => void;

/** A command with its name, description and declaration. */
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
 * @param argv - Arguments after the program name.
 * @returns Exit code: 0 for success, 1 for failure, 2 for invalid arguments or input, 130 if interrupted. Errors are
 *   reported, not thrown.
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
 * Builds the program with all commands, but only with the options of commands that occur in the arguments: declaring the
 * options of every command takes longer than most commands run.
 */
async function buildProgram(
  { name, description, version, commands }: ProgramDefinition,
  argv: readonly string[],
  world: CommandWorld,
  onEnd: (exitCode: number) => void,
): Promise<Command> {
  const { columns } = world;
  const program = new Command(name)
    .description(description)
    .version(version, "--version", "display the version")
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => world.stdout.write(text),
      // runProgram reports errors in the common format.
      writeErr: () => undefined,
      ...(columns === undefined ? {} : { getOutHelpWidth: () => columns }),
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

/** Creates the output. Imported only when needed: its imports take longer to load than `--help` takes as a whole. */
async function openOutput(world: CommandWorld, options: OutputOptions): Promise<CommandOutput> {
  const { CommandOutput } = await import("./command-output.ts");
  return new CommandOutput(world, options);
}
