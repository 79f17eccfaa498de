/**
 * Compiles `schemas/**\/*.schema.json` to the types and the standalone validators of ota-core, and to the reference
 * page of the manifests, `docs/manifest.md`.
 *
 *     node scripts/generate-schemas.ts            writes all files
 *     node scripts/generate-schemas.ts --check    exits 1 when a file is not what the schemas make
 */
import { execFileSync } from "node:child_process";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, sep } from "node:path";
import { argv, execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import standalone from "ajv/dist/standalone/index.js";
import { compile } from "json-schema-to-typescript";
import { manifestReference } from "./manifest-reference.ts";

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type JsonObject = { [name: string]: Json };

/** One schema file, its `$id` made absolute so that references between files resolve. */
interface SchemaFile {
  /** Path below `schemas/`, with forward slashes. */
  readonly path: string;
  readonly id: string;
  readonly title: string;
  readonly schema: JsonObject;
}

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const OUTPUT_FOLDER = join(ROOT, "packages", "ota-core", "src", "schemas");
const BASE = "schema:///";
const HEADER =
  "// Generated from schemas/ by scripts/generate-schemas.ts. Change the schemas and run `pnpm generate`.\n";

/**
 * Generates all files in memory, formatted as they are committed.
 *
 * @returns Each file's path, absolute, and its text.
 * @throws Error where a schema is invalid, uses what a validator without imports can't check, or repeats a name.
 */
export async function generate(): Promise<{ file: string; text: string }[]> {
  const files = readSchemas();
  const outputs = [
    { file: join(OUTPUT_FOLDER, "types.generated.ts"), text: await typesOf(files) },
    ...validatorsOf(files).map(({ name, text }) => ({ file: join(OUTPUT_FOLDER, name), text })),
  ];
  const code = outputs.map(({ file, text }) => ({ file, text: format(file, HEADER + text) }));
  return [...code, { file: join(ROOT, "docs", "manifest.md"), text: referenceOf(files) }];
}

function referenceOf(files: readonly SchemaFile[]): string {
  const manifests = files.filter(({ path }) => path.startsWith("ota-"));
  const named = manifests.flatMap(({ title, schema, path }) => {
    const definitions = Object.entries(objectOf(schema.$defs ?? {}, path));
    return [{ title, schema }, ...definitions.map(([name, value]) => ({ title: name, schema: objectOf(value, path) }))];
  });
  const [root] = manifests;
  if (root === undefined) throw new Error("schemas/ has no manifest's schema");
  return manifestReference(named, (reference) => typeName(reference, root, files));
}

function readSchemas(): SchemaFile[] {
  const folder = join(ROOT, "schemas");
  const names = globSync("**/*.schema.json", { cwd: folder }).map((name) => name.split(sep).join("/"));
  return names.sort().map((path) => {
    const schema = objectOf(JSON.parse(readFileSync(join(folder, path), "utf8")), path);
    const { title, $id } = schema;
    if (typeof title !== "string" || !/^[A-Z][A-Za-z0-9]*$/.test(title))
      throw new Error(`${path}: title must be a type's name`);
    const id = new URL(typeof $id === "string" ? $id : "", BASE + path).href;
    return { path, id, title, schema: { ...schema, $id: id } };
  });
}

/** Types of all schemas, each named by its title or its name in `$defs`, in one program: a shared type is one type. */
async function typesOf(files: readonly SchemaFile[]): Promise<string> {
  const definitions: JsonObject = {};
  const define = (name: string, schema: JsonObject, path: string): void => {
    if (name in definitions) throw new Error(`${path}: another schema is named ${name} too`);
    definitions[name] = schema;
  };
  for (const file of files) {
    const { $defs = {}, $schema: _, $id: __, ...root } = file.schema;
    const nameOf = (reference: string): string => typeName(reference, file, files);
    define(file.title, forTypes(root, nameOf), file.path);
    for (const [name, definition] of Object.entries(objectOf($defs, file.path))) {
      define(name, forTypes({ ...objectOf(definition, file.path), title: name }, nameOf), file.path);
    }
  }
  const everything = { title: "Everything", $defs: definitions } as Parameters<typeof compile>[0];
  const options = { bannerComment: "", additionalProperties: false, unreachableDefinitions: true, format: false };
  const text = await compile(everything, "Everything", options);
  return text
    .replace(/export interface Everything \{[^}]*\}\n?/, "")
    .replace(/(?:\n \* *)?\n \* This interface was referenced by .*\n \* via the `definition` .*/g, "")
    .replace(/\/\*\*\n \*\/\n/g, "");
}

/** The name of the type that a `$ref` means. */
function typeName(reference: string, from: SchemaFile, files: readonly SchemaFile[]): string {
  const url = new URL(reference, from.id);
  const definition = /^#\/\$defs\/([^/]+)$/.exec(url.hash)?.[1];
  url.hash = "";
  const file = files.find(({ id }) => id === url.href);
  if (file === undefined) throw new Error(`${from.path}: ${reference} names no schema`);
  return definition ?? file.title;
}

/** A schema in the older words that json-schema-to-typescript reads: tuples as `items`, references within one document. */
function forTypes(schema: JsonObject, nameOf: (reference: string) => string): JsonObject {
  const walk = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(walk);
    return value !== null && typeof value === "object" ? forTypes(value, nameOf) : value;
  };
  if (typeof schema.$ref === "string") return { $ref: `#/$defs/${nameOf(schema.$ref)}` };
  const { prefixItems, minItems, maxItems, $comment: _, examples: __, default: ___, ...rest } = schema;
  // Unknown members are allowed, but code that reads one by a mistyped name shall not compile.
  if (rest.properties !== undefined && rest.additionalProperties === true) delete rest.additionalProperties;
  // The compiler would make an object with any members of a schema that takes any value.
  if (!Object.keys(rest).some((name) => !WORDS.has(name))) return { ...rest, tsType: "unknown" };
  const walked = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, walk(value)]));
  if (Array.isArray(prefixItems)) {
    const size = prefixItems.length;
    return { ...walked, items: walk(prefixItems), additionalItems: false, minItems: size, maxItems: size };
  }
  const isTuple = typeof maxItems === "number" && minItems === maxItems && maxItems <= 4;
  return isTuple ? { ...walked, minItems, maxItems } : walked;
}

/**
 * Validators of what is read: every fault of a manifest, the first fault of a message (its sender may be hostile). What
 * commands print is only written, so that its schemas make types and no code. Each kind is a file of its own, because
 * `package` reads manifests and no messages, and loads only what it reads.
 */
function validatorsOf(all: readonly SchemaFile[]): { name: string; text: string }[] {
  const files = all.filter(({ path }) => !path.startsWith("cli/"));
  const isMessage = ({ path }: SchemaFile): boolean => path.startsWith("protocol/");
  const isManifest = ({ path }: SchemaFile): boolean => path.startsWith("ota-");
  const isJournal = ({ path }: SchemaFile): boolean => path.startsWith("journal-");
  const isOther = (file: SchemaFile): boolean => !isMessage(file) && !isManifest(file) && !isJournal(file);
  const kinds = [
    { kind: "manifest", wanted: files.filter(isManifest), allErrors: true },
    { kind: "document", wanted: files.filter(isOther), allErrors: true },
    { kind: "journal", wanted: files.filter(isJournal), allErrors: false },
    { kind: "message", wanted: files.filter(isMessage), allErrors: false },
  ];
  const words = `/** What a string that matches a pattern is, in words: the \`$comment\` beside the pattern in its schema. */
export const PATTERN_WORDS: Readonly<Record<string, string>> = ${JSON.stringify(patternWords(files))};`;
  return [
    { name: "pattern-words.generated.ts", text: words },
    ...kinds.map(({ kind, wanted, allErrors }) => ({
      name: `${kind}-validators.generated.ts`,
      text: validatorFile(files, wanted, { allErrors, prefix: kind }),
    })),
  ];
}

function validatorFile(
  files: readonly SchemaFile[],
  wanted: readonly SchemaFile[],
  options: { allErrors: boolean; prefix: string },
): string {
  const titles = wanted.map(({ title }) => title).sort();
  return `// @ts-nocheck
import type { ${titles.join(", ")} } from "./types.generated.ts";
import type { SchemaValidator } from "./validator.ts";

${standaloneCode(files, wanted, options)}`;
}

function standaloneCode(
  all: readonly SchemaFile[],
  wanted: readonly SchemaFile[],
  { allErrors, prefix }: { allErrors: boolean; prefix: string },
): string {
  const ajv = new Ajv2020({
    allErrors,
    messages: false,
    strict: true,
    strictTypes: false,
    strictRequired: false,
    strictTuples: false,
    allowUnionTypes: true,
    // A record is checked against the form that its type names, and no other.
    discriminator: true,
    // Lengths in UTF-16 units: counting code points would need an import at run time.
    unicode: false,
    logger: false,
    code: { source: true, esm: true },
  });
  for (const { schema } of all) ajv.addSchema(withoutWords(schema));
  const code = standalone.default(ajv, Object.fromEntries(wanted.map(({ title, id }) => [`validate${title}`, id])));
  if (/\brequire\(|^import /m.test(code))
    throw new Error(`the ${prefix} validators need an import: ${code.match(/require\([^)]*\)/)?.[0]}`);
  return prefixNames(code.replace('"use strict";', ""), prefix).replace(
    /export const validate(\w+) = (\w+);/g,
    (_, title: string, name: string) =>
      `\n/** Whether a value is a {@link ${title}}. */\nexport const validate${title}: SchemaValidator<${title}> = ${name};`,
  );
}

/** Ajv numbers its names from the same start each time: a prefix keeps two programs apart in one file. */
function prefixNames(code: string, prefix: string): string {
  const stringOrName = /"(?:[^"\\]|\\.)*"|\b(schema|validate|pattern|func|wrapper|root)(\d+)\b/g;
  return code.replace(stringOrName, (text, kind?: string, number?: string) =>
    kind === undefined ? text : `${prefix}${kind[0]?.toUpperCase()}${kind.slice(1)}${number}`,
  );
}

/** The schema without what only people read: it would be carried in every validator. */
function withoutWords(schema: JsonObject): JsonObject {
  const strip = (value: Json, isSchema: boolean): Json => {
    if (Array.isArray(value)) return value.map((item) => strip(item, isSchema));
    if (value === null || typeof value !== "object") return value;
    const kept = Object.entries(value).filter(([name]) => !isSchema || !WORDS.has(name));
    return Object.fromEntries(kept.map(([name, child]) => [name, strip(child, !isSchema || !NAME_MAPS.has(name))]));
  };
  return objectOf(strip(schema, true), "schema");
}

const WORDS: ReadonlySet<string> = new Set(["title", "description", "$comment", "examples", "default"]);

/** Keywords whose members are named by the author, so that a property called `title` is no title. */
const NAME_MAPS: ReadonlySet<string> = new Set(["properties", "patternProperties", "$defs", "dependentSchemas"]);

function patternWords(files: readonly SchemaFile[]): Record<string, string> {
  const words: Record<string, string> = {};
  const visit = (value: Json, path: string): void => {
    if (value === null || typeof value !== "object") return;
    if (!Array.isArray(value) && typeof value.pattern === "string") {
      if (/[+*}]\)[+*{]/.test(value.pattern)) throw new Error(`${path}: ${value.pattern} may backtrack without end`);
      if (typeof value.$comment === "string") words[value.pattern] = value.$comment;
    }
    for (const child of Object.values(value)) visit(child, path);
  };
  for (const { schema, path } of files) visit(schema, path);
  return words;
}

function objectOf(value: Json, where: string): JsonObject {
  if (value === null || typeof value !== "object" || Array.isArray(value))
    throw new Error(`${where}: must be an object`);
  return value;
}

/** Formats as `biome check` demands of every file. */
function format(file: string, text: string): string {
  const biome = createRequire(import.meta.url).resolve("@biomejs/biome/bin/biome");
  const options = { input: text, encoding: "utf8", cwd: ROOT, maxBuffer: 64 * 1024 * 1024 } as const;
  return execFileSync(execPath, [biome, "format", `--stdin-file-path=${relative(ROOT, file)}`], options);
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  const outputs = await generate();
  const stale = outputs.filter(({ file, text }) => readIfThere(file) !== text);
  const isCheck = argv.includes("--check");
  for (const { file, text } of stale) {
    if (!isCheck) writeFileSync(file, text);
    console.error(`${relative(ROOT, file)} ${isCheck ? "is not what schemas/ make: run `pnpm generate`" : "written"}`);
  }
  if (isCheck && stale.length > 0) process.exitCode = 1;
}
