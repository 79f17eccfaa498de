import { fromHex, type JsonObject, type JsonValue, OtaError, parseStrictJson } from "@tinybms/ota-core";
import type { Chip } from "@tinybms/ota-core/esp";
import type { EfuseFields } from "../boot/efuse.ts";
import { fieldsOfSummary, isEfuseSummary } from "./efuse-summary.ts";

/** Known eFuses of a board. Absent members are unknown. Leaves out fields that only affect flashing. */
export interface KnownEfuses extends Omit<EfuseFields, "flashEncryptionKey" | "secureDownload"> {
  readonly flashEncryption?: boolean;
}

type Reader<Name extends keyof KnownEfuses> = (value: JsonValue, chip: Chip) => KnownEfuses[Name] | string;

/** Readers of the fields. They return the value, or a text that says what the value must be. */
const FIELDS: { readonly [Name in keyof KnownEfuses]-?: Reader<Name> } = {
  secureVersion: (value, { secureVersionBits: max, name }) =>
    isIndex(value, max + 1) ? value : `a whole number from 0 to ${max}, the limit of ${name}`,
  chipRevision: readRevision,
  blockRevision: readRevision,
  disableWaferVersionMajor: readFlag,
  disableBlockVersionMajor: readFlag,
  secureBoot: readFlag,
  secureBootDigests: (value, { secureBootKeyDigests: max, name }) => {
    const must = `at most ${max} digests, the limit of ${name}, each as 64 hexadecimal digits`;
    if (!Array.isArray(value) || value.length > max) return must;
    const digests = value.map((digest) => (typeof digest === "string" ? digestOf(digest) : undefined));
    return digests.every((digest) => digest !== undefined) ? digests : must;
  },
  revokedDigests: (value, { secureBootKeyDigests: max }) =>
    Array.isArray(value) && value.every((index) => isIndex(index, max)) ? value : `positions from 0 to ${max - 1}`,
  flashEncryption: readFlag,
};

/**
 * Parses a file of known eFuses: an object with the fields in `docs/simulator.md`, or the output of
 * `espefuse summary --format json`.
 *
 * @param file - Name of the file, for messages.
 * @throws {@link OtaError} `simulation/efuse-invalid` for any other text, with the place and the expected value.
 */
export function parseEfuseFile(file: string, text: string, chip: Chip): KnownEfuses {
  const parsed = parseStrictJson(text, { maxDepth: 8, allowByteOrderMark: true });
  if (!parsed.ok) throw invalid(file, "", `line ${parsed.line}, column ${parsed.column}: ${parsed.reason}`);
  const { value } = parsed;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid(file, "", "it must be an object of eFuse fields");
  }
  return isEfuseSummary(value) ? readFields(file, fieldsOfSummary(value), chip) : readFields(file, value, chip);
}

function readFields(file: string, fields: JsonObject, chip: Chip): KnownEfuses {
  const known: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (!isField(name)) {
      const message = `${JSON.stringify(name)} is not an eFuse field; the fields are ${Object.keys(FIELDS).join(", ")}`;
      throw invalid(file, `/${name}`, message);
    }
    const read = FIELDS[name](value, chip);
    if (typeof read === "string")
      throw invalid(file, `/${name}`, `${name} is ${JSON.stringify(value)}; it must be ${read}`);
    known[name] = read;
  }
  return known;
}

function isField(name: string): name is keyof KnownEfuses {
  return Object.hasOwn(FIELDS, name);
}

/** Reads a revision: `3.1` becomes 301, major × 100 + minor. */
function readRevision(value: JsonValue): number | string {
  const match = typeof value === "string" ? /^v?(\d{1,2})\.(\d{1,2})$/.exec(value) : null;
  return match === null ? 'major and minor in quotes, such as "3.1"' : Number(match[1]) * 100 + Number(match[2]);
}

function readFlag(value: JsonValue): boolean | string {
  return typeof value === "boolean" ? value : "true or false";
}

function isIndex(value: JsonValue, end: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < end;
}

function digestOf(text: string): Uint8Array | undefined {
  return /^[0-9a-fA-F]{64}$/.test(text) ? fromHex(text.toLowerCase()) : undefined;
}

function invalid(file: string, path: string, message: string): OtaError<"simulation/efuse-invalid"> {
  return new OtaError("simulation/efuse-invalid", `${file}: ${message}`, { file, path });
}
