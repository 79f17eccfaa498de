import { decodeUtf8, utf8 } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import { parseStrictJson } from "../json/strict-json.ts";
import { problemsOf } from "../schemas/problems.ts";
import type { SchemaValidator } from "../schemas/validator.ts";

/** Objects and arrays inside each other in a message, the outermost counted. */
const DEPTH_MAX = 8;

/** The largest number of a message: what a signed 32-bit counter of a device holds. */
const INTEGER_MAX = 2_147_483_647;

/** A value that the function which takes it leaves as it is. */
export type Immutable<T> = T extends object ? { readonly [Member in keyof T]: Immutable<T[Member]> } : T;

/** What a kind of JSON message must be. */
export interface MessageKind<T> {
  /** Name in errors, for example `offer`. */
  readonly name: string;
  /** Bytes of the largest one. */
  readonly sizeMax: number;
  readonly validate: SchemaValidator<T>;
}

/**
 * Reads a JSON message: size first, then UTF-8, strict JSON, the schema.
 *
 * @throws OtaError `protocol/too-large` or `protocol/malformed`, with the JSON pointer of the fault where there is one.
 */
export function parseMessage<T>(payload: Uint8Array, kind: MessageKind<T>): T {
  checkSize(payload, kind);
  const text = decodeUtf8(payload);
  if (text === undefined) throw malformedMessage(kind.name, "", "it is no UTF-8");
  const parsed = parseStrictJson(text, { maxDepth: DEPTH_MAX, integersOnly: true, maxInteger: INTEGER_MAX });
  if (!parsed.ok) throw malformedMessage(kind.name, "", `${parsed.reason} (offset ${parsed.offset})`);
  return checkMessage(parsed.value, kind);
}

/**
 * Writes a JSON message that {@link parseMessage} reads as the same value.
 *
 * @throws OtaError `protocol/too-large` or `protocol/malformed` where no reader would take it.
 */
export function buildMessage<T>(value: unknown, kind: MessageKind<T>): Uint8Array {
  checkMessage(value, kind);
  const payload = utf8(JSON.stringify(value));
  checkSize(payload, kind);
  return payload;
}

/**
 * Checks a value against the schema of its kind.
 *
 * @throws OtaError `protocol/malformed` with the first fault.
 */
export function checkMessage<T>(value: unknown, { name, validate }: MessageKind<T>): T {
  if (validate(value)) return value;
  const [problem] = problemsOf("protocol/malformed", validate.errors, value);
  throw malformedMessage(name, problem?.path ?? "", problem?.message ?? "it is not as its schema says");
}

/**
 * The error of a message that is not as the protocol says.
 *
 * @param name - Kind of message.
 * @param path - JSON pointer of the fault, empty for the message as a whole.
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
