import { isOtaError } from "@tinybms/ota-core";

/** Returns `true` if an error means a lost or corrupted answer, so that a retry may succeed. */
export function isDisturbance(error: unknown): boolean {
  return isOtaError(error, "serial/noise") || isOtaError(error, "serial/loader-refused");
}
