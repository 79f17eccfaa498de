import { isOtaError } from "@tinybms/ota-core";

/** How a command ends: done, failed, wrong input, interrupted. */
export const ExitCode = { done: 0, failed: 1, wrongInput: 2, interrupted: 130 } as const;

/** Groups of errors that the arguments, a manifest or an input file are to blame for. */
const INPUT_GROUPS: readonly string[] = [
  "arguments",
  "image",
  "manifest",
  "nvs",
  "package",
  "provisioning",
  "signing",
  "simulation",
];

/** Faults of those groups that no input is to blame for: the same command may do well in a minute. */
const PASSING: readonly string[] = [
  "package/locked",
  "package/write-failed",
  "provisioning/unwritable",
  "signing/command-failed",
];

/** The exit code for whatever a command threw. */
export function exitCodeOf(error: unknown): number {
  if (!isOtaError(error)) return ExitCode.failed;
  if (error.code === "delivery/interrupted") return ExitCode.interrupted;
  if (PASSING.includes(error.code)) return ExitCode.failed;
  return INPUT_GROUPS.includes(error.code.slice(0, error.code.indexOf("/"))) ? ExitCode.wrongInput : ExitCode.failed;
}
