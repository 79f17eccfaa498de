import { type Command, CommanderError } from "commander";

/**
 * Parses arguments that commander refused once more, to find out whether a misspelled name is the reason.
 *
 * commander checks for missing options before unknown ones. So for `deploy --verison 1.2.3` it reports that `--version` is
 * missing, and does not mention the misspelled name.
 *
 * @param thrown - The error of parsing `argv`.
 * @param program - A program that has parsed nothing yet. None of its actions run.
 * @returns The error to report: `thrown`, or the unknown option with commander's suggestion.
 */
export async function argumentFault(thrown: unknown, program: Command, argv: readonly string[]): Promise<unknown> {
  if (!(thrown instanceof CommanderError) || !MISSPELLED.includes(thrown.code)) return thrown;
  makeAllOptional(program);
  program.hook("preAction", () => {
    throw thrown;
  });
  try {
    // commander compares whole arguments with option names, and `--verison=1.2.3` resembles none.
    const separated = argv.flatMap((argument) => /^(--[^=]+)=(.*)$/s.exec(argument)?.slice(1) ?? argument);
    await program.parseAsync(separated, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError && error.code === "commander.unknownOption") return error;
  }
  return thrown;
}

/** Codes of errors that a misspelled option may cause. */
const MISSPELLED: readonly string[] = ["commander.missingMandatoryOptionValue", "commander.unknownOption"];

function makeAllOptional(command: Command): void {
  for (const option of command.options) option.makeOptionMandatory(false);
  for (const child of command.commands) makeAllOptional(child);
}
