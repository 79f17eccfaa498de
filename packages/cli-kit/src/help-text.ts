import type { Command } from "commander";

/** Declares the options of every command. Call it last, so that help shows them below the command's own options. */
export function addOutputOptions(command: Command): Command {
  return command
    .optionsGroup("Output and help:")
    .option("--json", "print one JSON document to standard output")
    .option("--verbose", "print more details, including the cause of an error")
    .option("--quiet", "print only warnings and errors")
    .helpOption(true);
}

/**
 * Shows examples below the options of a command.
 *
 * @param lines - Command lines, and comments that begin with `#`.
 */
export function addExamples(command: Command, ...lines: readonly string[]): Command {
  const title = lines.filter((line) => !line.startsWith("#")).length > 1 ? "Examples" : "Example";
  return command.addHelpText("after", `\n${title}:\n${lines.map((line) => `  ${line}`).join("\n")}`);
}
