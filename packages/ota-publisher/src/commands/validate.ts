import { isAbsolute, relative, resolve, sep } from "node:path";
import { type CommandOutput, ExitCode, type OutputOptions, printable } from "@tinybms/cli-kit/output";
import type { ValidateDocument } from "@tinybms/ota-core";
import { type PlacedProblem, validateReleaseLine } from "@tinybms/ota-core/node";

/** Options of `tinybms-ota validate`, as commander parses them. */
export interface ValidateCommandOptions extends OutputOptions {
  readonly manifest: string;
  readonly format: "text" | "github";
  /** Treats warnings as errors. */
  readonly strict?: boolean;
}

/**
 * Checks a release line and prints every problem. With `--strict`, warnings are errors.
 *
 * @returns The exit code: 0 without errors, otherwise 2.
 */
export async function runValidate(options: ValidateCommandOptions, output: CommandOutput): Promise<number> {
  const { manifest, format, strict = false } = options;
  const { env } = output.world;
  const found = await validateReleaseLine(manifest, { env });
  const problems = strict ? found.map((problem) => ({ ...problem, severity: "error" as const })) : found;
  const errorCount = problems.filter(({ severity }) => severity === "error").length;
  const valid = errorCount === 0;
  const document: ValidateDocument = { valid, problems };
  output.printJson(document);
  for (const problem of problems) {
    // --quiet prints errors only.
    if (output.quiet && problem.severity === "warning") continue;
    output.print(format === "github" ? githubLine(problem, env.GITHUB_WORKSPACE) : textLine(problem, output));
  }
  if (valid && !output.quiet) output.print(`${manifest}: valid`);
  if (problems.length > 0) output.note(counted(errorCount, problems.length - errorCount));
  return valid ? ExitCode.done : ExitCode.wrongInput;
}

/**
 * Formats a problem as `file:line:column: severity code pointer: message`, whose location terminals and editors link.
 */
function textLine(problem: PlacedProblem, output: CommandOutput): string {
  const { file, pointer, line, column, severity, code, message } = problem;
  const color = severity === "error" ? "red" : "yellow";
  const where = pointer === "" ? "" : ` ${printable(pointer)}`;
  return `${printable(file)}:${line}:${column}: ${output.style(color, severity)} ${code}${where}: ${printable(message)}`;
}

/** Formats a problem as an annotation for GitHub Actions ("Workflow commands", setting an error message). */
function githubLine(problem: PlacedProblem, workspace: string | undefined): string {
  const { file, pointer, line, column, severity, code, message } = problem;
  const properties = [
    `file=${escapeProperty(fileInWorkspace(file, workspace))}`,
    `line=${line}`,
    `col=${column}`,
    `title=${escapeProperty(code)}`,
  ].join(",");
  return `::${severity} ${properties}::${escapeData(pointer === "" ? message : `${pointer}: ${message}`)}`;
}

/** Returns a path relative to the repository's root, as annotations need it. */
function fileInWorkspace(file: string, workspace: string | undefined): string {
  const path = workspace === undefined || workspace === "" ? file : relative(workspace, resolve(file));
  const isOutside = path === ".." || path.startsWith(`..${sep}`) || isAbsolute(path);
  return (isOutside ? file : path).split(sep).join("/");
}

function counted(errors: number, warnings: number): string {
  const count = (number: number, noun: string): string[] =>
    number === 0 ? [] : [`${number} ${noun}${number === 1 ? "" : "s"}`];
  return [...count(errors, "error"), ...count(warnings, "warning")].join(", ");
}

function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
