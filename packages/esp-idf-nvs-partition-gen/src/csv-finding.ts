import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { isOtaError } from "@tinybms/ota-core";
import { checkContent } from "./check-content.ts";

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
 * Returns what is wrong with the CSV or the size that `generate` or `encrypt` is called with, so that it can be told by
 * line and column: the generator answers most faults with a stack trace. It has the last word, and is started all the
 * same.
 *
 * @param args - The arguments, from the command's name on.
 * @param folder - Where relative names of files begin.
 * @returns One sentence, or `undefined` if nothing is wrong or the arguments are not understood.
 */
export function csvFinding(args: readonly string[], folder: string): string | undefined {
  const [command, ...rest] = args;
  if (command !== "generate" && command !== "encrypt") return undefined;
  const { files, options } = split(rest);
  const [input, , sizeText] = files;
  const sizeBytes = Number(sizeText);
  // Several files continue each other, and rare forms of a number are Python's affair.
  if (input === undefined || files.length !== 3 || !Number.isSafeInteger(sizeBytes)) return undefined;
  try {
    const csv = Uint8Array.from(readFileSync(resolve(folder, input)));
    checkContent(csv, folder, { sizeBytes, version: options.get("--version") === "1" ? 1 : 2 });
    const hasMark = BYTE_ORDER_MARKS.some((mark) => mark.every((byte, index) => csv[index] === byte));
    if (!hasMark) return undefined;
    return `${input}: it begins with a byte-order mark, which the generator does not take; save it as UTF-8 without one`;
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
