import { dirname } from "node:path";
import { isOtaError, type Problem } from "../errors.ts";
import type { JsonObject, JsonValue } from "../json/strict-json.ts";
import { parseDocument } from "./document.ts";
import { verifyArtifact } from "./load.ts";
import { readManifest } from "./load-file.ts";
import { resolveArtifact, resolveBelow } from "./load-path.ts";
import { problemsOfRoot } from "./root.ts";
import { problemsOfVersion } from "./version.ts";

/**
 * Checks a whole release line: the root manifest, every version it names, every artifact's file.
 *
 * A fault in one place does not hide those in others: what can still be read is checked.
 *
 * @param manifestFile - The root manifest.
 * @returns Every fault; empty when all is well. `path` is a JSON pointer into the root manifest; for other files the
 *   path that the root manifest gives them stands before it: `versions/1.0.0/ota.json#/artifacts/0/size`.
 */
export async function validateReleaseLine(manifestFile: string): Promise<Problem[]> {
  const problems: Problem[] = [];
  const document = await attempt(problems, "", async () =>
    parseDocument(await readManifest(manifestFile), manifestFile),
  );
  if (document === undefined) return problems;
  problems.push(...problemsOfRoot(document, manifestFile));
  if (problems.some(({ code }) => code === "manifest/schema-version")) return problems;
  const seen = new Map<string, number>();
  for (const [index, entry] of listAt(document, "versions").entries()) {
    const { id, manifest } = objectAt(entry);
    if (typeof id !== "string" || typeof manifest !== "string" || id === "" || manifest === "") continue;
    const earlier = seen.get(id);
    if (earlier === undefined) seen.set(id, index);
    else problems.push(duplicate(id, index, earlier));
    await checkVersion(problems, manifestFile, { id, manifest, pointer: `/versions/${index}/manifest` });
  }
  return problems;
}

async function checkVersion(
  problems: Problem[],
  rootFile: string,
  { id, manifest, pointer }: { id: string; manifest: string; pointer: string },
): Promise<void> {
  const origin = { file: rootFile, pointer };
  const file = await attempt(problems, pointer, () => resolveBelow(dirname(rootFile), manifest, origin));
  if (file === undefined) return;
  const text = await attempt(problems, pointer, () => readManifest(file));
  if (text === undefined) return;
  const document = await attempt(problems, `${manifest}#`, async () => parseDocument(text, file));
  if (document === undefined) return;
  problems.push(
    ...problemsOfVersion(document, id).map((problem) => ({ ...problem, path: `${manifest}#${problem.path}` })),
  );
  const { base_path: basePath } = objectAt(document);
  if (basePath !== undefined && typeof basePath !== "string") return;
  for (const [index, artifact] of listAt(document, "artifacts").entries()) {
    const { name, filename, size, sha256 } = objectAt(artifact);
    if (typeof filename !== "string" || filename === "") continue;
    const place = `${manifest}#/artifacts/${index}`;
    const path = await attempt(problems, `${place}/filename`, () => resolveArtifact(file, basePath, filename, index));
    if (path === undefined || typeof name !== "string" || typeof size !== "number") continue;
    // Against a hash that is none nothing can be compared; the schema has said so.
    if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/i.test(sha256)) continue;
    await attempt(problems, place, () => verifyArtifact(file, { name, size, sha256 }, path));
  }
}

function duplicate(id: string, index: number, earlier: number): Problem {
  const message = `versions[${index}] has the id ${JSON.stringify(id)} of versions[${earlier}]; each id may stand there once`;
  return { code: "manifest/invalid", path: `/versions/${index}/id`, message };
}

/** Does one step; what it finds wrong becomes a problem at `path`, and `undefined`. */
async function attempt<T>(problems: Problem[], path: string, step: () => Promise<T>): Promise<T | undefined> {
  try {
    return await step();
  } catch (error) {
    if (!isOtaError(error)) throw error;
    if (isOtaError(error, "manifest/invalid"))
      problems.push(...error.details.problems.map((problem) => ({ ...problem, path })));
    else problems.push({ code: error.code, path, message: error.message });
    return undefined;
  }
}

function objectAt(value: JsonValue | undefined): Partial<JsonObject> {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
}

function listAt(document: JsonValue, name: string): readonly JsonValue[] {
  const value = objectAt(document)[name];
  return Array.isArray(value) ? value : [];
}
