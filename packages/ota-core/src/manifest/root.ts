import { OtaError, type Problem } from "../errors.ts";
import type { JsonValue } from "../json/strict-json.ts";
import { problemsOf } from "../schemas/problems.ts";
import type { Artifact, RootManifest } from "../schemas/types.generated.ts";
import { validateRootManifest } from "../schemas/validators.generated.ts";
import { invalid, parseDocument } from "./document.ts";
import { readRootLoosely } from "./loose-values.ts";

/** The versions of the root manifest's format that this program reads. */
const SCHEMA_VERSIONS: readonly number[] = [1];

/** Over which channels an artifact goes when neither it nor the root manifest says. */
export const DEFAULT_PROTOCOLS: readonly string[] = ["mqtt", "https"];

/**
 * Reads a root manifest, as `schemas/ota-manifest.schema.json` has it. Unknown members are kept; a value that the schema
 * spells another way, but that has one meaning, is read as that.
 *
 * @param text - The file's text.
 * @param file - Its name, for messages.
 * @param notes - Filled with a `manifest/loose-value` for each value that the schema spells another way, when given.
 * @throws {@link OtaError} `manifest/syntax`, `manifest/schema-version`, or `manifest/invalid` with every problem.
 */
export function parseRootManifest(text: string, file: string, notes: Problem[] = []): RootManifest {
  const parsed = parseDocument(text, file);
  const document = readRootLoosely(parsed, "", notes) ?? parsed;
  refuseOtherSchemaVersion(document, file);
  if (validateRootManifest(document)) return document;
  throw invalid(file, problemsOf("manifest/invalid", validateRootManifest.errors, document));
}

/**
 * Returns every fault of a root manifest's JSON against its schema; `manifest/schema-version` alone where that is the
 * fault.
 *
 * @param document - As `readRootLoosely` read it.
 */
export function problemsOfRoot(document: JsonValue, file: string): Problem[] {
  const found = schemaVersionOf(document);
  if (found !== undefined && !SCHEMA_VERSIONS.includes(found)) {
    return [{ code: "manifest/schema-version", path: "/schema_version", message: schemaVersionMessage(file, found) }];
  }
  return validateRootManifest(document) ? [] : problemsOf("manifest/invalid", validateRootManifest.errors, document);
}

/** Over which channels an artifact goes, in order: its own `protocols`, else the root's, else mqtt and https. */
export function protocolsOf(root: RootManifest, artifact: Artifact): readonly string[] {
  return artifact.protocols ?? root.deployment?.default_protocols ?? DEFAULT_PROTOCOLS;
}

function refuseOtherSchemaVersion(document: JsonValue, file: string): void {
  const found = schemaVersionOf(document);
  if (found === undefined || SCHEMA_VERSIONS.includes(found)) return;
  const details = { file, found, supported: SCHEMA_VERSIONS };
  throw new OtaError("manifest/schema-version", schemaVersionMessage(file, found), details, {
    hint: "a newer tinybms-ota may read it",
  });
}

/** The document's schema version where it has one; a wrong type there is left to the schema. */
function schemaVersionOf(document: JsonValue): number | undefined {
  if (document === null || typeof document !== "object" || Array.isArray(document)) return undefined;
  const version = document.schema_version;
  return typeof version === "number" && Number.isInteger(version) ? version : undefined;
}

function schemaVersionMessage(file: string, found: number): string {
  return `${file}: schema_version is ${found}; this program reads ${SCHEMA_VERSIONS.join(", ")}`;
}
