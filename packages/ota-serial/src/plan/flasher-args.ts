import { OtaError } from "@tinybms/ota-core";

/** A file and where in flash it goes. */
export interface PlacedFile {
  readonly path: string;
  readonly offset: number;
}

/** What of ESP-IDF's `flasher_args.json` is used. */
export interface FlasherArgs {
  /** Relative to the file's folder, as ESP-IDF writes them. */
  readonly files: readonly PlacedFile[];
}

/**
 * Reads `flasher_args.json`, which every build of ESP-IDF leaves in its build folder: member `flash_files`, offsets to
 * paths.
 *
 * @param name - The file, for messages.
 * @throws {@link OtaError} `arguments/invalid`.
 */
export function parseFlasherArgs(text: string, name: string): FlasherArgs {
  const document = parseJson(text);
  const files = isObject(document) ? document.flash_files : undefined;
  if (!isObject(files) || Object.keys(files).length === 0) {
    const message = `${name} is no flasher_args.json of ESP-IDF: it must have a member flash_files with offsets and paths`;
    throw new OtaError("arguments/invalid", message, { option: "--all" }, { hint: "idf.py build writes it" });
  }
  return {
    files: Object.entries(files).map(([offset, path]) => {
      if (typeof path === "string") return { path, offset: parseOffset(offset, "--all") };
      throw new OtaError("arguments/invalid", `${name}: the path at ${offset} is no text`, { option: "--all" });
    }),
  };
}

/**
 * Reads `FILE@OFFSET`.
 *
 * @throws {@link OtaError} `arguments/invalid`.
 */
export function parsePlacedFile(text: string, option = "--image"): PlacedFile {
  const at = text.lastIndexOf("@");
  if (at > 0) return { path: text.slice(0, at), offset: parseOffset(text.slice(at + 1), option) };
  const message = `${option}: ${JSON.stringify(text)} must be FILE@OFFSET, such as app.bin@0x10000`;
  throw new OtaError("arguments/invalid", message, { option });
}

/** Reads an offset, decimal or with 0x. */
export function parseOffset(text: string, option: string): number {
  const offset = /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : Number.NaN;
  if (offset <= 0xffff_ffff) return offset;
  const message = `${option}: ${JSON.stringify(text)} is no offset in a flash; it must be a number such as 0x10000`;
  throw new OtaError("arguments/invalid", message, { option });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
