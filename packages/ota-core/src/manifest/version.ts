import type { Problem } from "../errors.ts";
import type { JsonValue } from "../json/strict-json.ts";
import { problemsOf, quoted } from "../schemas/problems.ts";
import type { VersionManifest } from "../schemas/types.generated.ts";
import { validateVersionManifest } from "../schemas/validators.generated.ts";
import { invalid, parseDocument } from "./document.ts";
import { readVersionLoosely } from "./loose-values.ts";

/**
 * Reads a version manifest, as `schemas/ota-version.schema.json` has it. Unknown members are kept; a value that the schema
 * spells another way, but that has one meaning, is read as that.
 *
 * @param text - The file's text.
 * @param file - Its name, for messages.
 * @param expectedVersion - The `id` under which the root manifest lists it.
 * @param notes - Filled with a `manifest/loose-value` for each value that the schema spells another way, when given.
 * @throws {@link OtaError} `manifest/syntax`, or `manifest/invalid` with every problem.
 */
export function parseVersionManifest(
  text: string,
  file: string,
  expectedVersion: string,
  notes: Problem[] = [],
): VersionManifest {
  const parsed = parseDocument(text, file);
  const document = readVersionLoosely(parsed, "", notes) ?? parsed;
  const problems = problemsOfVersion(document, expectedVersion);
  if (problems.length === 0 && validateVersionManifest(document)) return document;
  throw invalid(file, problems);
}

/**
 * Returns every fault of a version manifest's JSON: against its schema, and a `version` other than the expected one.
 *
 * @param document - As `readVersionLoosely` read it.
 */
export function problemsOfVersion(document: JsonValue, expectedVersion: string): Problem[] {
  const isValid = validateVersionManifest(document);
  const problems = isValid ? [] : problemsOf("manifest/invalid", validateVersionManifest.errors, document);
  const found = versionOf(document);
  if (found !== undefined && found !== "" && found !== expectedVersion) {
    const message = `version is ${quoted(found)}; the root manifest lists this file as ${quoted(expectedVersion)}`;
    problems.unshift({ code: "manifest/invalid", path: "/version", message });
  }
  return problems;
}

function versionOf(document: JsonValue): string | undefined {
  if (document === null || typeof document !== "object" || Array.isArray(document)) return undefined;
  return typeof document.version === "string" ? document.version : undefined;
}
