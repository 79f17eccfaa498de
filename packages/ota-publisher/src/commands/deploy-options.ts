import { readFile } from "node:fs/promises";
import { isDeviceId, OtaError } from "@tinybms/ota-core";
import type { OutputOptions } from "./console.ts";

/** Options of `tinybms-ota deploy`, as commander reads them. */
export interface DeployCommandOptions extends OutputOptions {
  readonly version: string;
  readonly manifest: string;
  readonly transport?: readonly string[];
  readonly device?: readonly string[];
  readonly deviceFile?: string;
  readonly expect?: number;
  readonly wait: "confirmed" | "downloaded" | "none";
  /** Seconds. */
  readonly timeout: number;
  readonly mode?: "chunked" | "blob";
  readonly broker?: string;
  readonly dryRun?: boolean;
}

/**
 * The devices that are named, by options and in the file, each once.
 *
 * @returns Empty where the delivery is for every device of the product.
 * @throws {@link OtaError} `arguments/invalid`.
 */
export async function namedDevices({ device = [], deviceFile }: DeployCommandOptions): Promise<readonly string[]> {
  for (const name of device) refuseBadName(name, "--device", "");
  if (deviceFile === undefined) return [...new Set(device)];
  const lines = (await readDeviceFile(deviceFile)).split(/\r?\n/).map((line) => line.replace(/#.*/, "").trim());
  for (const [index, line] of lines.entries()) {
    if (line !== "") refuseBadName(line, "--device-file", `${deviceFile}:${index + 1}: `);
  }
  const named = lines.filter((line) => line !== "");
  if (named.length > 0) return [...new Set([...device, ...named])];
  // Meant for a few, it must not go to all.
  throw invalid("--device-file", `${deviceFile} names no device; it must have one name on each line`);
}

/**
 * What of the options is still to come, said before anything is done.
 *
 * @throws {@link OtaError} `arguments/invalid`.
 */
export function refuseUnavailable({ transport = [], mode }: DeployCommandOptions): void {
  for (const name of transport) {
    if (name !== "mqtt") throw invalid("--transport", `--transport ${name} is not available yet; mqtt is`);
  }
  if (mode === "blob") throw invalid("--mode", "--mode blob is not available yet; chunked is");
}

async function readDeviceFile(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw invalid("--device-file", `${file} can't be read`, cause);
  }
}

function refuseBadName(name: string, option: string, place: string): void {
  if (isDeviceId(name)) return;
  const rule = "it must be 1 to 64 of A-Z, a-z, 0-9, dot, underscore and hyphen, the first a letter or digit";
  throw invalid(option, `${place}${JSON.stringify(name)} can't be a device's name; ${rule}`);
}

function invalid(option: string, message: string, cause?: unknown): OtaError<"arguments/invalid"> {
  return new OtaError("arguments/invalid", message, { option }, { cause });
}
