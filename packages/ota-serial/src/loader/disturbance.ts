import { isOtaError } from "@tinybms/ota-core";

/** Returns whether an error is one that doing the same again may mend. */
export function isDisturbance(error: unknown): boolean {
  return isOtaError(error, "serial/noise") || isOtaError(error, "serial/loader-refused");
}
