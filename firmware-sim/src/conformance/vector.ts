import { OtaError, parseStrictJson } from "@tinybms/ota-core";

/** Value of a JSON document. */
export type VectorValue =
  | null
  | boolean
  | number
  | string
  | readonly VectorValue[]
  | { readonly [member: string]: VectorValue };

/** JSON object. */
export type VectorObject = Readonly<Record<string, VectorValue>>;

/** First line of a vector file: the device, and the rule that the vector shows. */
export interface VectorHeader {
  /** Version of the format. */
  readonly vector: 1;
  readonly name: string;
  /** Sentence of docs/protocol.md that the vector shows. */
  readonly rule: string;
  /** How the device was provisioned. */
  readonly device: VectorObject;
  /** Random numbers in thousandths, 0 to 999, in order. The device uses the first again after the last. */
  readonly random_permille: readonly number[];
  /** The image: see {@link vectorImage}. */
  readonly image: { readonly size: number; readonly seed: number };
}

/** Another line of a vector file: an event, and the device's actions, in order. */
export interface VectorLine {
  readonly event: VectorObject;
  readonly actions: readonly VectorObject[];
}

/** A conformance vector: one life of a device. See vectors/v1/README.md. */
export interface Vector {
  readonly header: VectorHeader;
  readonly steps: readonly VectorLine[];
}

/**
 * Parses a vector file: one JSON document per line.
 *
 * @param file - Its name, for messages.
 * @throws {@link OtaError} `arguments/invalid` if it is not a vector of version 1.
 */
export function parseVector(text: string, file: string): Vector {
  const [header, ...steps] = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line, index) => parseLine(line, `${file}:${index + 1}`));
  if (header === undefined || !isHeader(header)) throw refuse(`${file} is not a vector of version 1`);
  return { header, steps: steps.map((step, index) => checkedLine(step, `${file}:${index + 2}`)) };
}

/** Formats a vector as the text of its file. */
export function formatVector({ header, steps }: Vector): string {
  return [header, ...steps].map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** Returns `true` for a JSON object. */
export function isObject(value: unknown): value is VectorObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isHeader(line: VectorObject): line is VectorObject & VectorHeader {
  const { vector, name, rule, device, random_permille: permille, image } = line;
  if (vector !== 1 || typeof name !== "string" || typeof rule !== "string" || !isObject(device)) return false;
  if (!Array.isArray(permille) || !permille.every(Number.isSafeInteger)) return false;
  return isObject(image) && Number.isSafeInteger(image.size) && Number.isSafeInteger(image.seed);
}

function checkedLine({ event, actions }: VectorObject, place: string): VectorLine {
  if (isObject(event) && Array.isArray(actions) && actions.every(isObject)) return { event, actions };
  throw refuse(`${place} has no event or no actions`);
}

function parseLine(line: string, place: string): VectorObject {
  const parsed = parseStrictJson(line);
  if (parsed.ok && isObject(parsed.value)) return parsed.value;
  throw refuse(`${place} is not a JSON object`);
}

function refuse(message: string): OtaError<"arguments/invalid"> {
  return new OtaError("arguments/invalid", message, { option: "--vectors" });
}
