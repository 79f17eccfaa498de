import { isOtaError, OtaError } from "@tinybms/ota-core";
import { CommanderError } from "commander";
import type { CommandConsole } from "../console/console.ts";
import { ExitCode, exitCodeOf } from "../console/exit-code.ts";

/**
 * Tells an error, as text or as JSON.
 *
 * @returns The exit code.
 */
export function tellError(thrown: unknown, console: CommandConsole): number {
  const error = otaErrorOf(thrown, console.world.signal);
  if (error === undefined) {
    const message = console.redact(thrown instanceof Error ? thrown.message : String(thrown));
    const text = console.verbose && thrown instanceof Error ? console.redact(thrown.stack ?? message) : message;
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
function argumentError({ code, message }: CommanderError): OtaError<"arguments/invalid"> {
  // commander answers a missing command with its help, which nobody asked for.
  if (code === "commander.help") {
    return new OtaError("arguments/invalid", "no command is given", {}, { hint: "--help lists the commands" });
  }
  const [first = "", suggestion = ""] = message.replace(/^error: /, "").split("\n");
  const option = /--[a-z][a-z-]*/.exec(first)?.[0];
  const hint = suggestion === "" ? "--help lists commands and options" : suggestion.replace(/^\((.*)\)$/, "$1");
  return new OtaError("arguments/invalid", first, option === undefined ? {} : { option }, { hint });
}
