import { utf8 } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import { NVS_CHUNK_SIZE_MAX, NVS_ENTRY_SIZE } from "./nvs-entry.ts";
import { isNvsIntegerType, NVS_INTEGERS, type NvsIntegerType } from "./nvs-integer.ts";
import { NVS_KEY_LENGTH_MAX } from "./nvs-key.ts";

/** One key and its value, as ESP-IDF's functions `nvs_set_…` write them. */
export type NvsPairInput = {
  readonly namespace: string;
  readonly key: string;
} & (
  | { readonly type: "u8" | "i8" | "u16" | "i16" | "u32" | "i32"; readonly value: number }
  | { readonly type: "u64" | "i64"; readonly value: bigint | number }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "blob"; readonly value: Uint8Array }
);

/** Content of a partition to build: a value, or a namespace, which may stay empty. */
export type NvsEntryInput = NvsPairInput | { readonly namespace: string; readonly type: "namespace" };

/** A namespace and its values. */
export interface NvsNamespaceInput {
  readonly name: string;
  readonly pairs: readonly NvsPairInput[];
}

/** Maximum number of namespaces: 0 is the table of namespaces, 255 means "any" (ESP-IDF `Storage`). */
const NAMESPACES_MAX = 254;
/**
 * Longest string in bytes, including its NUL: the limit of Espressif's generator. The generator opens a new page for a
 * string that would exactly fill one, so 4000 bytes, which a device accepts, fit nowhere.
 */
const STRING_SIZE_MAX: number = NVS_CHUNK_SIZE_MAX - NVS_ENTRY_SIZE;
/** Maximum size of a blob in bytes: 127 chunks of one page each. */
export const NVS_BLOB_SIZE_MAX: number = 127 * NVS_CHUNK_SIZE_MAX;

/**
 * Checks entries, and gathers them by namespace: in the order in which each namespace and, in it, each key comes first.
 * Espressif's generator writes them in that order too, if each namespace is in one piece.
 *
 * @throws {@link OtaError} `nvs/entry-invalid` naming the namespace and key.
 */
export function groupNvsEntries(entries: readonly NvsEntryInput[]): readonly NvsNamespaceInput[] {
  const namespaces = new Map<string, Map<string, NvsPairInput>>();
  for (const entry of entries) {
    const problem = nvsEntryProblem(entry);
    if (problem !== undefined) throw invalid(entry, problem);
    const pairs = namespaces.get(entry.namespace) ?? new Map<string, NvsPairInput>();
    if (namespaces.size === NAMESPACES_MAX && !namespaces.has(entry.namespace)) {
      throw invalid(entry, `is one namespace too many: a partition holds ${NAMESPACES_MAX}`);
    }
    namespaces.set(entry.namespace, pairs);
    if (entry.type === "namespace") continue;
    if (pairs.has(entry.key)) throw invalid(entry, "occurs twice; a namespace has each key once");
    pairs.set(entry.key, entry);
  }
  return [...namespaces].map(([name, pairs]) => ({ name, pairs: [...pairs.values()] }));
}

/**
 * Describes the fault of a single entry, as the end of a sentence that begins with its name. Returns `undefined` if the
 * entry is valid.
 */
export function nvsEntryProblem(entry: NvsEntryInput): string | undefined {
  const namespaceProblem = nvsNameProblem(entry.namespace);
  if (namespaceProblem !== undefined) return `is in a namespace whose name ${namespaceProblem}`;
  if (entry.type === "namespace") return undefined;
  const keyProblem = nvsNameProblem(entry.key);
  if (keyProblem !== undefined) return `has a key that ${keyProblem}`;
  if (entry.type === "string") return stringProblem(entry.value);
  if (entry.type === "blob") return blobProblem(entry.value);
  if (isNvsIntegerType(entry.type)) return integerProblem(entry.type, entry.value);
  return "has an unknown type; it must be u8, i8, u16, i16, u32, i32, u64, i64, string or blob";
}

/**
 * Describes the fault of a key or a namespace name. Returns `undefined` if it is valid. A device accepts any 1 to 15
 * bytes except NUL. Espressif's generator corrupts entries whose key is not ASCII, so only ASCII is accepted here.
 */
export function nvsNameProblem(name: string): string | undefined {
  if (name === "") return `is empty; it must have 1 to ${NVS_KEY_LENGTH_MAX} characters`;
  if (!/^[\x20-\x7e]*$/.test(name)) return "has a character that is not printable ASCII";
  if (name.length <= NVS_KEY_LENGTH_MAX) return undefined;
  return `has ${name.length} characters; at most ${NVS_KEY_LENGTH_MAX} are allowed`;
}

function stringProblem(value: unknown): string | undefined {
  if (typeof value !== "string") return "must have text as its value";
  if (value.includes("\0")) return "has a NUL in its text, where a device would end it";
  if (/\p{Surrogate}/u.test(value)) return "has half a surrogate pair in its text, which UTF-8 can't express";
  const sizeBytes = utf8(value).length + 1;
  if (sizeBytes <= STRING_SIZE_MAX) return undefined;
  return `is ${sizeBytes} bytes long with its NUL; a string takes at most ${STRING_SIZE_MAX}`;
}

function blobProblem(value: unknown): string | undefined {
  if (!(value instanceof Uint8Array)) return "must have a Uint8Array as its value";
  if (value.length <= NVS_BLOB_SIZE_MAX) return undefined;
  return `is ${value.length} bytes long; a blob takes at most ${NVS_BLOB_SIZE_MAX}`;
}

function integerProblem(type: NvsIntegerType, value: unknown): string | undefined {
  const { min, max } = NVS_INTEGERS[type];
  const isWhole = typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value));
  // The message omits the value, which may be a secret.
  if (isWhole && value >= min && value <= max) return undefined;
  return `is out of range: a ${type} is a whole number from ${min} to ${max}`;
}

function invalid(entry: NvsEntryInput, problem: string): OtaError<"nvs/entry-invalid"> {
  const { namespace } = entry;
  const key = entry.type === "namespace" ? "" : entry.key;
  const name = entry.type === "namespace" ? `the namespace ${namespace}` : `${namespace}/${key}`;
  return new OtaError("nvs/entry-invalid", `${name} ${problem}`, { namespace, key });
}
