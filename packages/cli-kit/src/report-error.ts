import { isOtaError, OtaError } from "@tinybms/ota-core";
import { CommanderError } from "commander";
import type { CommandOutput } from "./command-output.ts";
import { ExitCode, exitCodeOf } from "./exit-code.ts";

/**
 * Reports an error, as text or as JSON.
 *
 * @returns The exit code.
 */
export function reportError(thrown: unknown, output: CommandOutput): number {
  const error = otaErrorOf(thrown, output.world.signal);
  if (error === undefined) {
    const message = output.redact(thrown instanceof Error ? thrown.message : String(thrown));
    const text = output.verbose && thrown instanceof Error ? output.redact(thrown.stack ?? message) : message;
    output.printJson({ error: { code: "unexpected", message, details: {} } });
    output.world.stderr.write(`error[unexpected]: ${text}\n`);
    return ExitCode.failed;
  }
  output.printJson({ error });
  output.fail(error);
  return exitCodeOf(error);
}

function otaErrorOf(thrown: unknown, signal: AbortSignal): OtaError | undefined {
  if (isOtaError(thrown)) return thrown;
  if (thrown instanceof CommanderError) return argumentError(thrown);
  return signal.aborted ? new OtaError("delivery/interrupted", "interrupted", {}) : undefined;
}

/** Converts an error of commander. Its message begins with `error: `, and may have a suggestion in a second line. */
function argumentError({ code, message }: CommanderError): OtaError<"arguments/invalid"> {
  // For a missing command, commander prints its help, which the user did not request.
  if (code === "commander.help") {
    return new OtaError("arguments/invalid", "no command is given", {}, { hint: "--help lists the commands" });
  }
  const [first = "", suggestion = ""] = message.replace(/^error: /, "").split("\n");
  const option = /--[a-z][a-z-]*/.exec(first)?.[0];
  const hint = suggestion === "" ? "--help lists commands and options" : suggestion.replace(/^\((.*)\)$/, "$1");
  return new OtaError("arguments/invalid", first, option === undefined ? {} : { option }, { hint });
}
