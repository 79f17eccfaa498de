import type { Problem } from "../errors.ts";
import type { JsonValue } from "../json/strict-json.ts";
import { validateVersionManifest } from "../schemas/manifest-validators.generated.ts";
import { problemsOf, quoted } from "../schemas/problems.ts";
import type { VersionManifest } from "../schemas/types.generated.ts";
import { invalid, parseDocument } from "./document.ts";
import { readVersionLoosely } from "./loose-values.ts";

/**
 * Parses a version manifest according to `schemas/ota-version.schema.json`. Keeps unknown members. Accepts a value that
 * is spelled differently than in the schema if it is unambiguous.
 *
 * @param text - Text of the file.
 * @param file - Name of the file, for messages.
 * @param expectedVersion - The `id` of its entry in the root manifest.
 * @param notes - Receives a `manifest/loose-value` for each value that is spelled differently than in the schema.
 * @throws {@link OtaError} `manifest/syntax`.
 * @throws {@link OtaError} `manifest/invalid` with every problem.
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
 * Returns every problem of a version manifest: violations of its schema, and a `version` other than the expected one.
 *
 * @param document - Result of `readVersionLoosely`.
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
