import { isOtaError } from "@tinybms/ota-core";

/** Exit codes of a command. */
export const ExitCode = { done: 0, failed: 1, wrongInput: 2, interrupted: 130 } as const;

/** Groups of errors caused by the arguments, a manifest or an input file. */
const INPUT_GROUPS: readonly string[] = [
  "arguments",
  "image",
  "journal",
  "manifest",
  "nvs",
  "package",
  "provisioning",
  "signing",
  "simulation",
];

/** Errors of these groups that are not caused by input: the same command may succeed later. */
const TRANSIENT: readonly string[] = [
  "package/locked",
  "package/write-failed",
  "provisioning/unwritable",
  "signing/command-failed",
];

/** Returns the exit code for an error that a command threw. */
export function exitCodeOf(error: unknown): number {
  if (!isOtaError(error)) return ExitCode.failed;
  if (error.code === "delivery/interrupted") return ExitCode.interrupted;
  if (TRANSIENT.includes(error.code)) return ExitCode.failed;
  return INPUT_GROUPS.includes(error.code.slice(0, error.code.indexOf("/"))) ? ExitCode.wrongInput : ExitCode.failed;
}
