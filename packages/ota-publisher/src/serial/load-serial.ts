import { OtaError } from "@tinybms/ota-core";
import { codeOf } from "../system-error.ts";

/** The package `@tinybms/ota-serial` with its entry for Node. */
export type SerialPackage = typeof import("@tinybms/ota-serial") & typeof import("@tinybms/ota-serial/node");

/**
 * Loads `@tinybms/ota-serial`, which is installed separately because only boards on a cable need it.
 *
 * @throws {@link OtaError} `serial/package-missing`.
 */
export async function loadSerial(): Promise<SerialPackage> {
  const name = "@tinybms/ota-serial";
  try {
    return { ...(await import("@tinybms/ota-serial")), ...(await import("@tinybms/ota-serial/node")) };
  } catch (cause) {
    const isAbsent = codeOf(cause) === "ERR_MODULE_NOT_FOUND";
    if (!isAbsent) throw cause;
    const message = `boards on a cable need the package ${name}, which is not installed`;
    const hint = `install the tarball of ${name} (pnpm pack:all) next to tinybms-ota`;
    throw new OtaError("serial/package-missing", message, { package: name }, { cause, hint });
  }
}
