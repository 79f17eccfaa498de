import type { OtaErrorCode, Problem } from "../errors.ts";
import { holdsSecret, redactUserInfo } from "../secret-text.ts";
import type { SchemaError } from "./validator.ts";
import { PATTERN_WORDS } from "./pattern-words.generated.ts";

/** Maximum number of reported problems. A hostile document of 1 MiB could have half a million. */
const PROBLEMS_MAX = 100;

/** Maximum length of a quoted path, in UTF-16 units. */
const QUOTED_LENGTH_MAX = 200;

/** Names of members whose values may be secrets. Such values are never shown. */
const SECRET_NAME = /pass|secret|token|auth|credential|user|header|cookie|key/i;

/** Keywords that combine rules. The faults of the combined rules say more. */
const COMBINING: ReadonlySet<string> = new Set(["oneOf", "anyOf", "allOf", "if", "not"]);

/**
 * Turns a validator's findings into one sentence each: what is wrong, and what would be right.
 *
 * If a value may have one of several forms, keeps only the findings about the closest form. Omits values that may be
 * secret: under a member with such a name, or a URL with user information or a token.
 *
 * @param code - Error code of all problems.
 * @param errors - `errors` of the validator.
 * @param value - The validated document.
 * @returns At most 100 problems, in the order of the checks; empty without errors.
 */
export function problemsOf(
  code: OtaErrorCode,
  errors: readonly SchemaError[] | null | undefined,
  value: unknown,
): Problem[] {
  const byPlace = new Map<string, SchemaError[]>();
  for (const error of errors ?? []) {
    const there = byPlace.get(error.instancePath);
    if (there === undefined) byPlace.set(error.instancePath, [error]);
    else there.push(error);
  }
  const places = new Set(byPlace.keys());
  const problems: Problem[] = [];
  for (const [path, there] of byPlace) {
    if (problems.length >= PROBLEMS_MAX) break;
    const messages = messagesAt(path, there, value, places);
    problems.push(...messages.map((message) => ({ code, path, message })));
  }
  return problems.slice(0, PROBLEMS_MAX);
}

/** Returns the value at a JSON pointer (RFC 6901), or `undefined` if there is no such value. */
export function valueAt(document: unknown, pointer: string): unknown {
  let value = document;
  for (const name of segmentsOf(pointer)) {
    if (value === null || typeof value !== "object" || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** Returns the name of a place for messages: `qos`, `artifacts[0]`, `the document`. */
export function labelOf(pointer: string): string {
  const segments = segmentsOf(pointer);
  const isIndex = (segment: string | undefined): boolean => segment !== undefined && /^[0-9]+$/.test(segment);
  const start = segments.findLastIndex((segment) => !isIndex(segment));
  const name = segments[start];
  if (name === undefined) return pointer === "" ? "the document" : `item ${segments.join(".")}`;
  const indexes = segments.slice(start + 1).map((index) => `[${index}]`);
  return printable(name, 60) + indexes.join("");
}

function messagesAt(path: string, errors: readonly SchemaError[], document: unknown, places: Set<string>): string[] {
  const alternatives = errors.some(({ keyword }) => keyword === "oneOf" || keyword === "anyOf");
  if (!alternatives)
    return errors.filter(({ keyword }) => !COMBINING.has(keyword)).map((error) => sentence(error, path, document));
  // Deeper findings concern the form that the value has. Findings at this place come from the other forms.
  for (const place of places) if (place.startsWith(`${path}/`)) return [];
  const [missing] = errors.filter(({ keyword }) => keyword === "required");
  if (missing !== undefined) return [sentence(missing, path, document)];
  const forms = [...new Set(errors.filter(({ keyword }) => !COMBINING.has(keyword)).map((error) => demand(error)))];
  return [`${found(path, document)}; it must be ${forms.length === 0 ? "of another form" : listed(forms)}`];
}

function sentence(error: SchemaError, path: string, document: unknown): string {
  const { keyword, params } = error;
  const label = labelOf(path);
  if (keyword === "required") return `${label} lacks ${printable(String(params.missingProperty), 60)}`;
  if (keyword === "additionalProperties" || keyword === "unevaluatedProperties") {
    const name = params.additionalProperty ?? params.unevaluatedProperty;
    return `${label} has a member ${printable(String(name), 60)}; no member of that name is allowed`;
  }
  if (keyword === "uniqueItems")
    return `${label} holds the same value at ${params.j} and ${params.i}; each value may occur only once`;
  if (keyword === "type") {
    return `${label} is ${kindOf(valueAt(document, path), error.params.type)}; it must be ${demand(error)}`;
  }
  return `${found(path, document)}; it must be ${demand(error)}`;
}

/** Describes what a rule requires, to follow "it must be". */
function demand({ keyword, params }: SchemaError): string {
  switch (keyword) {
    case "type":
      return listed([params.type].flat().map((type) => ARTICLES[String(type)] ?? String(type)));
    case "enum":
      return listed([params.allowedValues].flat().map((value) => JSON.stringify(value)));
    case "const":
      return JSON.stringify(params.allowedValue);
    case "pattern":
      return PATTERN_WORDS[String(params.pattern)] ?? `a string that matches ${params.pattern}`;
    case "minimum":
    case "maximum":
    case "exclusiveMinimum":
    case "exclusiveMaximum":
      return `${COMPARISONS[String(params.comparison)] ?? String(params.comparison)} ${params.limit}`;
    case "minLength":
      return params.limit === 1 ? "a string that is not empty" : `a string of at least ${params.limit} characters`;
    case "maxLength":
      return `a string of at most ${params.limit} characters`;
    case "minItems":
      return params.limit === 1 ? "a list that is not empty" : `a list of at least ${params.limit} items`;
    case "maxItems":
    case "items":
      return `a list of at most ${params.limit} items`;
    case "minProperties":
      return `an object of at least ${params.limit} members`;
    case "maxProperties":
      return `an object of at most ${params.limit} members`;
    default:
      return `as the schema says (${keyword})`;
  }
}

const ARTICLES: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  integer: "an integer",
  null: "null",
  number: "a number",
  object: "an object",
  string: "a string",
};

const COMPARISONS: Readonly<Record<string, string>> = {
  ">=": "at least",
  "<=": "at most",
  ">": "more than",
  "<": "less than",
};

/** Describes the value, for example "qos is 3"; without the value if it may be a secret or does not help. */
function found(path: string, document: unknown): string {
  const value = valueAt(document, path);
  const label = labelOf(path);
  if (Array.isArray(value)) return `${label} is a list of ${value.length}`;
  if (value === "") return `${label} is empty`;
  if (value !== null && typeof value === "object") return `${label} is an object of another form`;
  const isSecret =
    segmentsOf(path).some((name) => SECRET_NAME.test(name)) ||
    (typeof value === "string" && (value.includes("@") || holdsSecret(value)));
  if (isSecret) return `${label} has another value`;
  return `${label} is ${typeof value === "string" ? JSON.stringify(printable(value, 40)) : String(value)}`;
}

/** Returns the type of a value, for example "a string"; the number itself if an integer was expected. */
function kindOf(value: unknown, wanted: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "number" && wanted === "integer") return String(value);
  return typeof value === "boolean" ? String(value) : (ARTICLES[typeof value] ?? "missing");
}

function segmentsOf(pointer: string): string[] {
  const segments = pointer.split("/").slice(1);
  return segments.map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function listed(words: readonly string[]): string {
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} or ${last}`;
}

/**
 * Quotes a text from a document for a message: shortened, without terminal control characters, and without user
 * information if it may be a URL.
 */
export function quoted(text: string): string {
  return JSON.stringify(printable(redactUserInfo(text.slice(0, QUOTED_LENGTH_MAX + 1)), QUOTED_LENGTH_MAX));
}

/**
 * Returns a text without characters that move a terminal's cursor or change the writing direction, shortened to
 * `lengthMax`.
 */
function printable(text: string, lengthMax: number): string {
  const safe = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\ufffd");
  return safe.length > lengthMax ? `${safe.slice(0, lengthMax)}…` : safe;
}
