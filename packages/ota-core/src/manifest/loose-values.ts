import type { Problem } from "../errors.ts";
import { type JsonValue, pointerSegment } from "../json/strict-json.ts";
import { labelOf } from "../schemas/problems.ts";

/**
 * Converts one value of a manifest to the form of the schema, and adds a note if the manifest spells it differently.
 *
 * Returns an ambiguous value unchanged, so that the schema refuses it.
 *
 * @param pointer - JSON pointer (RFC 6901) of the value.
 * @param notes - Receives one problem for each value that is spelled differently.
 * @returns The value, or `undefined` if it counts as absent.
 */
export type LooseReader = (value: JsonValue, pointer: string, notes: Problem[]) => JsonValue | undefined;

/** Maximum number of notes: a hostile manifest of 1 MiB could cause 100 000. */
const NOTES_MAX = 100;

/** Numbers as the Python scripts' `int()` and `float()` read them. */
const INTEGER = /^\s*[+-]?[0-9]{1,15}\s*$/;
const DECIMAL = /^\s*[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})(?:e[+-]?[0-9]{1,2})?\s*$/i;

/** Accepted forms of ISO 8601 in `created_at`. */
const ISO_TIME =
  /^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?$/;

/** Protocols that this project supports. */
const PROTOCOLS: readonly string[] = ["mqtt", "https", "serial"];

/** Returns `true` if a value is a JSON object. */
export function isJsonObject(value: unknown): value is { [name: string]: JsonValue } {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/**
 * Converts a date and time in ISO 8601 to UTC, such as `2026-01-31T12:00:00.000Z`. Returns `undefined` for any other
 * text.
 */
export function isoTimeOf(text: string): string | undefined {
  if (!ISO_TIME.test(text)) return undefined;
  const milliseconds = Date.parse(text);
  const utc = Number.isNaN(milliseconds) ? undefined : new Date(milliseconds).toISOString();
  return utc !== undefined && utc.length === 24 ? utc : undefined;
}

const asIs: LooseReader = (value) => value;

const integer: LooseReader = (value, pointer, notes) =>
  typeof value === "string" && INTEGER.test(value)
    ? noted(Number(value), "is a string; it is read as an integer", pointer, notes)
    : value;

const decimal: LooseReader = (value, pointer, notes) =>
  typeof value === "string" && DECIMAL.test(value)
    ? noted(Number(value), "is a string; it is read as a number", pointer, notes)
    : value;

/** Python treats `"false"` as true, people don't, so only `"true"` is unambiguous. */
const truth: LooseReader = (value, pointer, notes) => {
  if (value === 0 || value === 1)
    return noted(value === 1, `is ${value}; it is read as ${value === 1}`, pointer, notes);
  if (typeof value !== "string" || value.toLowerCase() !== "true") return value;
  return noted(true, "is a string; it is read as true", pointer, notes);
};

const text: LooseReader = (value, pointer, notes) => {
  if (typeof value !== "number" || (Number.isInteger(value) && !Number.isSafeInteger(value))) return value;
  return noted(String(value), "is a number; it is read as text", pointer, notes);
};

/** Text that counts as absent if it is empty. */
const name: LooseReader = (value, pointer, notes) =>
  value === "" ? noted(undefined, "is empty; it counts as absent", pointer, notes) : text(value, pointer, notes);

const protocol: LooseReader = (value, pointer, notes) => {
  const lower = typeof value === "string" ? value.trim().toLowerCase() : "";
  if (value === lower || !PROTOCOLS.includes(lower)) return value;
  return noted(lower, `is read as ${lower}`, pointer, notes);
};

const time: LooseReader = (value, pointer, notes) => {
  if (typeof value === "string" && isoTimeOf(value) !== undefined) return value;
  const wanted = "a date and time in ISO 8601, such as 2026-01-31T12:00:00Z";
  return noted(undefined, `is not ${wanted}; it counts as absent`, pointer, notes);
};

/** Creates a reader of an object with members of any name. */
function each(reader: LooseReader): LooseReader {
  return (value, pointer, notes) => (isJsonObject(value) ? readMembers(value, () => reader, pointer, notes) : value);
}

/**
 * Creates a reader of an object with known members, which may be `null` unless they are needed. Leaves other members
 * unchanged.
 */
function object(members: Readonly<Record<string, LooseReader>>, needed: readonly string[] = []): LooseReader {
  return (value, pointer, notes) => {
    if (!isJsonObject(value)) return value;
    const readerOf = (member: string): LooseReader | undefined =>
      Object.hasOwn(members, member) && !(needed.includes(member) && value[member] === null)
        ? members[member]
        : undefined;
    return readMembers(value, readerOf, pointer, notes);
  };
}

function list(reader: LooseReader): LooseReader {
  return (value, pointer, notes) =>
    Array.isArray(value) ? value.map((item, index) => reader(item, `${pointer}/${index}`, notes) ?? item) : value;
}

function readMembers(
  value: { readonly [name: string]: JsonValue },
  readerOf: (member: string) => LooseReader | undefined,
  pointer: string,
  notes: Problem[],
): JsonValue {
  const read = Object.entries(value).map(([member, child]): [string, JsonValue | undefined] => {
    const reader = readerOf(member);
    const place = `${pointer}/${pointerSegment(member)}`;
    if (reader === undefined) return [member, child];
    if (child === null) return [member, noted(undefined, "is null; it counts as absent", place, notes)];
    return [member, reader(child, place, notes)];
  });
  return Object.fromEntries(read.filter((entry): entry is [string, JsonValue] => entry[1] !== undefined));
}

function noted<T>(value: T, what: string, pointer: string, notes: Problem[]): T {
  if (notes.length < NOTES_MAX)
    notes.push({ code: "manifest/loose-value", path: pointer, message: `${labelOf(pointer)} ${what}` });
  return value;
}

/** Readers of the members of channel `mqtt` that deliveries use. */
export const MQTT_MEMBERS: Readonly<Record<string, LooseReader>> = {
  broker: asIs,
  topic: asIs,
  qos: integer,
  retain: truth,
  client_id: name,
  keepalive: integer,
  username: text,
  password: text,
  insecure: truth,
  ca: asIs,
  cert: asIs,
  key: asIs,
  mode: asIs,
  rate: integer,
};

/** Readers of the members of channel `https` that deliveries use. */
export const HTTPS_MEMBERS: Readonly<Record<string, LooseReader>> = {
  url: asIs,
  method: name,
  headers: each(text),
  timeout: decimal,
  verify: truth,
  ca: asIs,
  cert: asIs,
  key: asIs,
  mode: asIs,
};

const CHANNELS = object({ mqtt: object(MQTT_MEMBERS), https: object(HTTPS_MEMBERS) });

/** Reader of a root manifest. Leaves entries of `versions` unchanged. */
export const readRootLoosely: LooseReader = object(
  {
    schema_version: integer,
    product: object({ name, hardware: name }),
    deployment: object({ channels: CHANNELS, default_protocols: list(protocol) }),
  },
  ["schema_version", "product"],
);

const ARTIFACT = object({ name: text, size: integer, protocols: list(protocol), channels: CHANNELS }, ["name", "size"]);

/** Reader of a version manifest. */
export const readVersionLoosely: LooseReader = object(
  { created_at: time, base_path: asIs, channels: CHANNELS, artifacts: list(ARTIFACT) },
  ["artifacts"],
);
