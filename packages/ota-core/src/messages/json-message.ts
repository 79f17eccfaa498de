import { decodeUtf8, utf8 } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import { parseStrictJson, type StrictJsonLimits } from "../json/strict-json.ts";
import { problemsOf } from "../schemas/problems.ts";
import type { SchemaValidator } from "../schemas/validator.ts";

/** Maximum nesting depth of objects and arrays in a message, including the outermost. */
const DEPTH_MAX = 8;

/** Maximum integer in a message: that of a device's signed 32-bit counter. */
const INTEGER_MAX = 2_147_483_647;

const LIMITS: StrictJsonLimits = {
  maxDepth: DEPTH_MAX,
  integersOnly: true,
  maxInteger: INTEGER_MAX,
  hasPlainNames: true,
  // Devices decode base64 where it stands, and compare identifiers with the bytes of the message.
  neverEscaped: /[A-Za-z0-9+\-./:=_]/,
};

/** A deeply read-only `T`, for parameters that a function does not modify. */
export type Immutable<T> = T extends object ? { readonly [Member in keyof T]: Immutable<T[Member]> } : T;

/** The rules for one kind of JSON message. */
export interface MessageKind<T> {
  /** Name in errors, for example `offer`. */
  readonly name: string;
  /** Maximum size in bytes. */
  readonly sizeMax: number;
  readonly validate: SchemaValidator<T>;
}

/**
 * Parses a JSON message. Checks the size first, then UTF-8, strict JSON and the schema.
 *
 * @throws {@link OtaError} `protocol/too-large` if it exceeds the size limit of its kind.
 * @throws {@link OtaError} `protocol/malformed` with the JSON pointer of the problem, if it is not a message of its
 *   kind.
 */
export function parseMessage<T>(payload: Uint8Array, kind: MessageKind<T>): T {
  checkSize(payload, kind);
  const text = decodeUtf8(payload);
  if (text === undefined) throw malformedMessage(kind.name, "", "it is not UTF-8");
  const parsed = parseStrictJson(text, LIMITS);
  if (!parsed.ok) throw malformedMessage(kind.name, "", `${parsed.reason} (offset ${parsed.offset})`);
  return checkMessage(parsed.value, kind);
}

/**
 * Builds a JSON message that {@link parseMessage} parses to the same value.
 *
 * @throws {@link OtaError} `protocol/too-large` if it exceeds the size limit of its kind.
 * @throws {@link OtaError} `protocol/malformed` if {@link parseMessage} would refuse it.
 */
export function buildMessage<T>(value: unknown, kind: MessageKind<T>): Uint8Array {
  const payload = utf8(JSON.stringify(value));
  checkSize(payload, kind);
  checkMessage(value, kind);
  return payload;
}

/**
 * Checks a value against the schema of its kind and returns it.
 *
 * @throws {@link OtaError} `protocol/malformed` with the first problem.
 */
export function checkMessage<T>(value: unknown, { name, validate }: MessageKind<T>): T {
  if (validate(value)) return value;
  const [problem] = problemsOf("protocol/malformed", validate.errors, value);
  throw malformedMessage(name, problem?.path ?? "", problem?.message ?? "it does not match its schema");
}

/**
 * Creates the error for a message that violates the protocol.
 *
 * @param name - Kind of message.
 * @param path - JSON pointer of the problem; empty for the message as a whole.
 * @param reason - What is wrong and what would be right.
 */
export function malformedMessage(name: string, path: string, reason: string): OtaError<"protocol/malformed"> {
  return new OtaError("protocol/malformed", `${name}: ${reason}`, { message: name, path });
}

function checkSize<T>(payload: Uint8Array, { name, sizeMax }: MessageKind<T>): void {
  if (payload.length <= sizeMax) return;
  const details = { message: name, size: payload.length, limit: sizeMax };
  throw new OtaError(
    "protocol/too-large",
    `${name}: it has ${payload.length} bytes; at most ${sizeMax} are allowed`,
    details,
  );
}
