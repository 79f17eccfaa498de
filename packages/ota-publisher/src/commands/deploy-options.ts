import { readFile } from "node:fs/promises";
import type { OutputOptions } from "@tinybms/cli-kit/output";
import { decodeText, isDeviceId, OtaError } from "@tinybms/ota-core";
import type { OfferSigningOptions } from "../signing/offer-signing.ts";

/** Options of `tinybms-ota deploy`, as commander reads them. */
export interface DeployCommandOptions extends OutputOptions, OfferSigningOptions {
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
  /** Ports of boards at a cable. */
  readonly port?: readonly string[];
  readonly allPorts?: boolean;
  /** Send credentials unencrypted, and believe servers whose certificate is not checked. */
  readonly allowInsecure?: boolean;
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

/** What can't be said of devices by name, and why. */
const UNANSWERED = {
  blob: ["a message in blob mode", "reaches every device on the topic"],
  https: ["a delivery by https", "goes to the channel's url"],
  serial: ["a delivery by cable", "goes to the boards at --port"],
} as const;

/**
 * Options that speak of devices, where nothing is delivered that a device could answer.
 *
 * @param ways - How each delivery goes.
 * @throws {@link OtaError} `arguments/invalid`.
 */
export function refuseUnanswerable(
  { device = [], deviceFile, expect, broker }: DeployCommandOptions,
  ways: readonly ("chunked" | "blob" | "https" | "serial")[],
): void {
  const other = ways.find((way) => way !== "chunked");
  if (other === undefined) return;
  const [what, reason] = UNANSWERED[other];
  if (device.length > 0 || deviceFile !== undefined) {
    const option = device.length > 0 ? "--device" : "--device-file";
    const hint = "--transport mqtt --mode chunked delivers to named devices";
    throw invalid(option, `${option} can't be kept: ${what} ${reason}`, undefined, hint);
  }
  if (expect !== undefined && !ways.includes("chunked")) {
    throw invalid("--expect", `--expect can't be kept: no device answers ${what}`);
  }
  if (ways.includes("blob") && broker?.startsWith("embedded") === true) {
    const message =
      "--broker embedded: a message in blob mode goes out once, before any device has found a broker that just began";
    throw invalid("--broker", message, undefined, "start a broker of its own, such as mosquitto, or deliver in chunks");
  }
}

/**
 * Ports of boards, where nothing goes by cable.
 *
 * @throws {@link OtaError} `arguments/invalid`.
 */
export function refusePorts(
  { port = [], allPorts }: DeployCommandOptions,
  transports: readonly ("mqtt" | "https" | "serial")[],
): void {
  if (transports.includes("serial") || (port.length === 0 && allPorts !== true)) return;
  const option = port.length > 0 ? "--port" : "--all-ports";
  throw invalid(option, `${option} is for boards at a cable: add --transport serial`);
}

/**
 * Options that say who signs offers, where none is made.
 *
 * @throws {@link OtaError} `arguments/invalid`.
 */
export function refuseUnsignable({ signKey = [], signCommand = [] }: DeployCommandOptions): void {
  if (signKey.length === 0 && signCommand.length === 0) return;
  const option = signKey.length > 0 ? "--sign-key" : "--sign-command";
  throw invalid(option, `${option} can't be kept: only deliveries by mqtt in chunks have an offer to be signed`);
}

async function readDeviceFile(file: string): Promise<string> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw invalid("--device-file", `${file} can't be read`, cause);
  });
  const text = decodeText(bytes);
  if (text === undefined) throw invalid("--device-file", `${file} is no text in UTF-8 or UTF-16`);
  return text;
}

function refuseBadName(name: string, option: string, place: string): void {
  if (isDeviceId(name)) return;
  const rule = "it must be 1 to 64 of A-Z, a-z, 0-9, dot, underscore and hyphen, the first a letter or digit";
  throw invalid(option, `${place}${JSON.stringify(name)} can't be a device's name; ${rule}`);
}

function invalid(option: string, message: string, cause?: unknown, hint?: string): OtaError<"arguments/invalid"> {
  return new OtaError("arguments/invalid", message, { option }, hint === undefined ? { cause } : { cause, hint });
}
