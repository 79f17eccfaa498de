import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { isOtaError } from "@tinybms/ota-core";
import { assertContent } from "./check-content.ts";

/** Options of `generate` and `encrypt` that take a value. */
const WITH_VALUE: readonly string[] = [
  "--version",
  "--outdir",
  "--inputkey",
  "--keyfile",
  "--kp_hmac_keyfile",
  "--kp_hmac_inputkey",
];

/** Byte-order marks of UTF-8 and of UTF-16, little-endian and big-endian. */
const BYTE_ORDER_MARKS: readonly (readonly number[])[] = [
  [0xef, 0xbb, 0xbf],
  [0xff, 0xfe],
  [0xfe, 0xff],
];

/**
 * Describes the first fault in the arguments of `generate` or `encrypt`, with line and column. The generator reports most
 * faults as a stack trace. It still runs afterwards, and its exit code is the result.
 *
 * @param args - Arguments, beginning with the command's name.
 * @param folder - Folder of relative file names.
 * @returns One sentence, or `undefined` if there is no fault or this function does not understand the arguments.
 */
export function csvFinding(args: readonly string[], folder: string): string | undefined {
  const [command, ...rest] = args;
  if (command !== "generate" && command !== "encrypt") return undefined;
  const { files, options } = split(rest);
  const [input, , sizeText] = files;
  const sizeBytes = Number(sizeText);
  // The generator takes several input files, and numbers in Python's notation. Both are left to it.
  if (input === undefined || files.length !== 3 || !Number.isSafeInteger(sizeBytes)) return undefined;
  try {
    const csv = Uint8Array.from(readFileSync(resolve(folder, input)));
    assertContent(csv, folder, { sizeBytes, version: options.get("--version") === "1" ? 1 : 2 });
    const hasMark = BYTE_ORDER_MARKS.some((mark) => mark.every((byte, index) => csv[index] === byte));
    if (!hasMark) return undefined;
    return `${input}: it begins with a byte-order mark, which the generator rejects; save it as UTF-8 without one`;
  } catch (error) {
    return isOtaError(error) ? `${input}: ${error.message}` : `${input} can't be read`;
  }
}

function split(args: readonly string[]): { files: readonly string[]; options: ReadonlyMap<string, string> } {
  const files: string[] = [];
  const options = new Map<string, string>();
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? "";
    const [name = "", value] = argument.split("=", 2);
    if (!argument.startsWith("-")) files.push(argument);
    else if (value !== undefined) options.set(name, value);
    else if (WITH_VALUE.includes(name)) options.set(name, args[++index] ?? "");
  }
  return { files, options };
}
