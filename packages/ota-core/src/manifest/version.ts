import type { Problem } from "../errors.ts";
import type { JsonValue } from "../json/strict-json.ts";
import { problemsOf, quoted } from "../schemas/problems.ts";
import type { VersionManifest } from "../schemas/types.generated.ts";
import { validateVersionManifest } from "../schemas/validators.generated.ts";
import { invalid, parseDocument } from "./document.ts";

/**
 * Reads a version manifest, as `schemas/ota-version.schema.json` has it. Unknown members are kept.
 *
 * @param text - The file's text.
 * @param file - Its name, for messages.
 * @param expectedVersion - The `id` under which the root manifest lists it.
 * @throws {@link OtaError} `manifest/syntax`, or `manifest/invalid` with every problem.
 */
export function parseVersionManifest(text: string, file: string, expectedVersion: string): VersionManifest {
  const document = parseDocument(text, file);
  const problems = problemsOfVersion(document, expectedVersion);
  if (problems.length === 0 && validateVersionManifest(document)) return document;
  throw invalid(file, problems);
}

/** Every fault of a version manifest's JSON: against its schema, and a `version` other than the expected one. */
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
