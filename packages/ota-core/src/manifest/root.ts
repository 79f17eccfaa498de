import { OtaError, type Problem } from "../errors.ts";
import type { JsonValue } from "../json/strict-json.ts";
import { validateRootManifest } from "../schemas/manifest-validators.generated.ts";
import { problemsOf } from "../schemas/problems.ts";
import type { Artifact, RootManifest } from "../schemas/types.generated.ts";
import { invalid, parseDocument } from "./document.ts";
import { readRootLoosely } from "./loose-values.ts";

/** The supported versions of the root manifest's format. */
const SCHEMA_VERSIONS: readonly number[] = [1];

/** Protocols of an artifact if neither it nor the root manifest lists any. */
export const DEFAULT_PROTOCOLS: readonly string[] = ["mqtt", "https"];

/**
 * Parses a root manifest according to `schemas/ota-manifest.schema.json`. Keeps unknown members. Accepts a value that
 * is spelled differently than in the schema if it is unambiguous.
 *
 * @param text - Text of the file.
 * @param file - Name of the file, for messages.
 * @param notes - Receives a `manifest/loose-value` for each value that is spelled differently than in the schema.
 * @throws {@link OtaError} `manifest/syntax`.
 * @throws {@link OtaError} `manifest/schema-version`.
 * @throws {@link OtaError} `manifest/invalid` with every problem.
 */
export function parseRootManifest(text: string, file: string, notes: Problem[] = []): RootManifest {
  const parsed = parseDocument(text, file);
  const document = readRootLoosely(parsed, "", notes) ?? parsed;
  assertSchemaVersion(document, file);
  if (validateRootManifest(document)) return document;
  throw invalid(file, problemsOf("manifest/invalid", validateRootManifest.errors, document));
}

/**
 * Returns every violation of the schema in a root manifest, or only `manifest/schema-version` if the version is not
 * supported.
 *
 * @param document - Result of `readRootLoosely`.
 */
export function problemsOfRoot(document: JsonValue, file: string): Problem[] {
  const found = schemaVersionOf(document);
  if (found !== undefined && !SCHEMA_VERSIONS.includes(found)) {
    return [{ code: "manifest/schema-version", path: "/schema_version", message: schemaVersionMessage(file, found) }];
  }
  return validateRootManifest(document) ? [] : problemsOf("manifest/invalid", validateRootManifest.errors, document);
}

/** Returns an artifact's protocols in order: its own, else the root's, else mqtt and https. */
export function protocolsOf(root: RootManifest, artifact: Artifact): readonly string[] {
  return artifact.protocols ?? root.deployment?.default_protocols ?? DEFAULT_PROTOCOLS;
}

function assertSchemaVersion(document: JsonValue, file: string): void {
  const found = schemaVersionOf(document);
  if (found === undefined || SCHEMA_VERSIONS.includes(found)) return;
  const details = { file, found, supported: SCHEMA_VERSIONS };
  throw new OtaError("manifest/schema-version", schemaVersionMessage(file, found), details, {
    hint: "a newer tinybms-ota may read it",
  });
}

/**
 * Returns the document's schema version, or `undefined` if it is missing or not an integer, which the schema reports.
 */
function schemaVersionOf(document: JsonValue): number | undefined {
  if (document === null || typeof document !== "object" || Array.isArray(document)) return undefined;
  const version = document.schema_version;
  return typeof version === "number" && Number.isInteger(version) ? version : undefined;
}

function schemaVersionMessage(file: string, found: number): string {
  return `${file}: schema_version is ${found}; this program reads ${SCHEMA_VERSIONS.join(", ")}`;
}
