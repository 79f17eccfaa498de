import { dirname, join } from "node:path";
import type { Problem } from "@tinybms/ota-core";
import { validateReleaseLine } from "@tinybms/ota-core/node";
import { type CommandConsole, type OutputOptions, printable } from "./console.ts";
import { ExitCode } from "./exit-code.ts";

/** Options of `tinybms-ota validate`, as commander reads them. */
export interface ValidateCommandOptions extends OutputOptions {
  readonly manifest: string;
  readonly format: "text" | "github";
}

/**
 * Checks a release line and lists every fault.
 *
 * @returns The exit code: 0 if there is none, else 2.
 */
export async function runValidate(options: ValidateCommandOptions, console: CommandConsole): Promise<number> {
  const { manifest, format } = options;
  const problems = await validateReleaseLine(manifest);
  const valid = problems.length === 0;
  console.printJson({ valid, problems });
  for (const problem of problems) {
    console.print(format === "github" ? githubLine(manifest, problem) : textLine(manifest, problem, console));
  }
  if (valid && !console.quiet) console.print(`${manifest}: valid`);
  if (!valid) console.note(`${problems.length} ${problems.length === 1 ? "problem" : "problems"}`);
  return valid ? ExitCode.done : ExitCode.wrongInput;
}

function textLine(manifest: string, problem: Problem, console: CommandConsole): string {
  const { file, pointer } = placeOf(manifest, problem.path);
  const place = pointer === "" ? file : `${file}#${pointer}`;
  return `${printable(place)}: ${console.style("red", problem.code)}: ${printable(problem.message)}`;
}

/** A line that GitHub Actions shows beside the file ("Workflow commands", setting an error message). */
function githubLine(manifest: string, problem: Problem): string {
  const { file, pointer } = placeOf(manifest, problem.path);
  const message = pointer === "" ? problem.message : `${pointer}: ${problem.message}`;
  return `::error file=${escapeProperty(file)},title=${escapeProperty(problem.code)}::${escapeData(message)}`;
}

/** Which file a problem is in: its path may begin with one, as the root manifest names it, before a `#`. */
function placeOf(manifest: string, path: string): { readonly file: string; readonly pointer: string } {
  const at = path.indexOf("#");
  if (at < 0) return { file: manifest, pointer: path };
  return { file: join(dirname(manifest), path.slice(0, at)), pointer: path.slice(at + 1) };
}

function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
