import { OtaError, type Problem } from "../errors.ts";
import { type JsonSpan, type JsonValue, parseStrictJson } from "../json/strict-json.ts";

/** Maximum size of a manifest in bytes, far more than a release line of thousands of versions needs. */
export const MANIFEST_SIZE_MAX: number = 1024 * 1024;

/**
 * Parses the JSON of a manifest. Accepts a byte-order mark.
 *
 * @param file - The file's name, for messages.
 * @param spans - Filled with the place of every value, if given.
 * @throws {@link OtaError} `manifest/syntax` with line and column, if it is not valid JSON.
 * @throws {@link OtaError} `manifest/invalid` if it exceeds 1 MiB.
 */
export function parseDocument(text: string, file: string, spans?: Map<string, JsonSpan>): JsonValue {
  if (text.length > MANIFEST_SIZE_MAX) throw tooLarge(file, text.length);
  const result = parseStrictJson(text, { allowByteOrderMark: true, spans });
  if (result.ok) return result.value;
  const { line, column, reason } = result;
  throw new OtaError("manifest/syntax", `${file}:${line}:${column}: ${reason}`, { file, line, column });
}

/** Creates the error `manifest/invalid` for a file larger than {@link MANIFEST_SIZE_MAX}. */
export function tooLarge(file: string, size: number): OtaError<"manifest/invalid"> {
  const message = `the file holds ${size} bytes; a manifest has at most ${MANIFEST_SIZE_MAX}`;
  return invalid(file, [{ code: "manifest/invalid", path: "", message }]);
}

/** Creates the error `manifest/invalid`, which states the first problem and the number of others. */
export function invalid(file: string, problems: readonly Problem[]): OtaError<"manifest/invalid"> {
  const [first] = problems;
  const place = first === undefined || first.path === "" ? file : `${file}: ${first.path}`;
  const others = problems.length - 1;
  const more = others < 1 ? "" : ` (and ${others} more fault${others === 1 ? "" : "s"})`;
  const hint = others < 1 ? {} : { hint: "`tinybms-ota validate` lists every fault" };
  return new OtaError("manifest/invalid", `${place}: ${first?.message ?? "invalid"}${more}`, { file, problems }, hint);
}
