/** Published builds of WLED, kept beside the project; `TINYBMS_FIRMWARE` names another place. */
import { existsSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const FOLDER = process.env.TINYBMS_FIRMWARE
  ? pathToFileURL(`${process.env.TINYBMS_FIRMWARE}/`)
  : new URL("../../shared/firmware/", import.meta.url);

export const hasNoFirmware: boolean = !existsSync(FOLDER);

/** Stands behind the name of a test that is skipped for want of it. */
export const FIRMWARE: string = hasNoFirmware ? " (skipped: no firmware beside the project)" : "";

export function firmware(file: string): Uint8Array {
  return Uint8Array.from(readFileSync(new URL(file, FOLDER)));
}
