import { dirname } from "node:path";
import { isOtaError, type Problem } from "../errors.ts";
import { JsonPlaces } from "../json/json-places.ts";
import type { JsonSpan, JsonValue } from "../json/strict-json.ts";
import { checkArtifact, type VersionContext } from "./check-artifact.ts";
import { type ChannelLevel, checkDelivery, checkLevel, objectAt } from "./check-channels.ts";
import { checkReleaseFile } from "./check-release-file.ts";
import { parseDocument } from "./document.ts";
import { duplicateVersionProblem, type ListedId } from "./duplicate-version.ts";
import type { Environment } from "./environment.ts";
import { readManifest } from "./load-file.ts";
import { resolveBelow } from "./load-path.ts";
import { type LooseReader, readRootLoosely, readVersionLoosely } from "./loose-values.ts";
import { caselessName } from "./paths.ts";
import { DEFAULT_PROTOCOLS, problemsOfRoot } from "./root.ts";
import { type CheckedDocument, type CheckedFile, type PlacedProblem, ValidationReport } from "./validation-report.ts";
import { problemsOfVersion } from "./version.ts";

/** Options of {@link validateReleaseLine}. */
export interface ValidateOptions {
  /** Environment variables of the delivery. If absent, variables in channels are not checked. */
  readonly env?: Environment;
}

/**
 * Checks a whole release line: the root manifest and all its versions, artifact files, signed releases and channels.
 *
 * Continues after a problem and checks everything that can still be read.
 *
 * @param manifestFile - Path of the root manifest.
 * @returns All problems. The release line is valid if no problem is an error. `path` is a JSON pointer into the root
 *   manifest, or the path of another file relative to it and a pointer: `versions/1.0.0/ota.json#/artifacts/0/size`. No
 *   message contains a secret.
 */
export async function validateReleaseLine(
  manifestFile: string,
  { env }: ValidateOptions = {},
): Promise<PlacedProblem[]> {
  const report = new ValidationReport();
  const root = await openDocument(report, { file: manifestFile, prefix: "" }, readRootLoosely);
  if (root === undefined) return report.problems();
  const problems = problemsOfRoot(root.value, manifestFile);
  for (const problem of problems) report.add(root, "error", problem);
  if (problems.some(({ code }) => code === "manifest/schema-version")) return report.problems();
  const rootLevel = levelOf(root, "/deployment");
  checkLevel(report, rootLevel, env);
  const seen = new Map<string, ListedId>();
  const entries = listAt(root.value, "versions");
  for (const [index, entry] of entries.entries()) {
    const { id, manifest } = objectAt(entry);
    if (typeof id !== "string" || typeof manifest !== "string" || id === "" || manifest === "") continue;
    const earlier = seen.get(caselessName(id));
    if (earlier === undefined) seen.set(caselessName(id), { id, index });
    else report.add(root, "error", duplicateVersionProblem({ id, index }, earlier));
    const version = await openVersion(report, root, { manifest, pointer: `/versions/${index}/manifest` });
    if (version !== undefined) await checkVersion({ report, root, rootLevel, env, version }, id);
  }
  if (entries.length === 0) checkUnreleased(report, rootLevel, env);
  return report.problems();
}

async function checkVersion(context: VersionContext, id: string): Promise<void> {
  const { report, version, env } = context;
  for (const problem of problemsOfVersion(version.value, id)) report.add(version, "error", problem);
  const level = levelOf(version, "");
  checkLevel(report, level, env);
  for (const index of listAt(version.value, "artifacts").keys()) {
    const artifactLevel = levelOf(version, `/artifacts/${index}`);
    checkLevel(report, artifactLevel, env);
    await checkArtifact(context, index, [context.rootLevel, level, artifactLevel]);
  }
  await checkReleaseFile(context, id);
}

/** Checks the channels of a release line without versions. */
function checkUnreleased(report: ValidationReport, level: ChannelLevel, env: Environment | undefined): void {
  const { document } = level;
  const protocols = Object.keys(level.channels).filter((name) => DEFAULT_PROTOCOLS.includes(name));
  checkDelivery(report, { levels: [level], protocols, artifact: { document, pointer: "" } }, env);
}

/** Reads the version manifest of an entry. Reports a missing one as a problem of the entry. */
async function openVersion(
  report: ValidationReport,
  root: CheckedDocument,
  { manifest, pointer }: { readonly manifest: string; readonly pointer: string },
): Promise<CheckedDocument | undefined> {
  try {
    const file = await resolveBelow(dirname(root.file), manifest, { file: root.file, pointer });
    return await openDocument(report, { file, prefix: `${manifest}#` }, readVersionLoosely, {
      document: root,
      pointer,
    });
  } catch (error) {
    if (!isOtaError(error)) throw error;
    report.addError(root, pointer, error);
    return undefined;
  }
}

/**
 * Reads a manifest and reports problems that prevent it.
 *
 * @param readLoosely - Reader for its accepted spellings.
 * @param namedAt - The reference to the file, at which a missing file is reported.
 */
async function openDocument(
  report: ValidationReport,
  checked: CheckedFile,
  readLoosely: LooseReader,
  namedAt?: { readonly document: CheckedDocument; readonly pointer: string },
): Promise<CheckedDocument | undefined> {
  const { file } = checked;
  try {
    const text = await readManifest(file);
    const spans = new Map<string, JsonSpan>();
    const parsed = parseDocument(text, file, spans);
    const notes: Problem[] = [];
    const value = readLoosely(parsed, "", notes) ?? parsed;
    const document = { ...checked, value, places: new JsonPlaces(text, spans) };
    for (const note of notes) report.add(document, "warning", note);
    return document;
  } catch (error) {
    if (!isOtaError(error)) throw error;
    const isItsOwn = error.code === "manifest/syntax" || error.code === "manifest/invalid" || namedAt === undefined;
    if (isItsOwn) report.addError(checked, "", error);
    else report.addError(namedAt.document, namedAt.pointer, error);
    return undefined;
  }
}

function levelOf(document: CheckedDocument, pointer: string): ChannelLevel {
  const names = pointer.split("/").slice(1);
  const holder = names.reduce<JsonValue | undefined>((value, name) => memberAt(value, name), document.value);
  return { document, pointer: `${pointer}/channels`, channels: objectAt(memberAt(holder, "channels")) };
}

function memberAt(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return Array.isArray(value) ? value[Number(name)] : objectAt(value)[name];
}

function listAt(document: JsonValue, name: string): readonly JsonValue[] {
  const value = objectAt(document)[name];
  return Array.isArray(value) ? value : [];
}
