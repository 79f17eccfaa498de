/**
 * Writes a report of each entry of each package: the names that it exports, with their signatures. A change of surface
 * shows there in review. Reads the built declarations.
 *
 *     node scripts/api-reports.ts [--check]
 */
import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");
const BIOME = join(ROOT, "node_modules", ".bin", "biome");
/** Stands between the entries while they are formatted together. */
const CUT = "// ---- entry ----\n";

/** One entry of a package. */
interface Entry {
  /** As users import it. */
  readonly specifier: string;
  /** The report's path from the project's root. */
  readonly report: string;
  /** The built declarations. */
  readonly declarations: string;
}

/** A name of an entry, and where it comes from. */
interface Export {
  readonly name: string;
  readonly original: string;
  /** Path of a file of declarations, or a package. */
  readonly from: string;
}

function entriesOf(folder: string): readonly Entry[] {
  const manifest = JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8"));
  return Object.keys(manifest.exports)
    .filter((key) => key !== "./package.json")
    .map((key) => ({
      specifier: join(manifest.name, key),
      report: join(folder, "api", `${key === "." ? "index" : key.slice(2)}.api.md`),
      declarations: join(ROOT, folder, manifest.exports[key].types),
    }));
}

const sources = new Map<string, readonly string[]>();

/** Splits a file of declarations into its statements, without comments and private members. */
function statementsOf(file: string): readonly string[] {
  const known = sources.get(file);
  if (known !== undefined) return known;
  const text = readFileSync(file, "utf8")
    .replaceAll(/^[ \t]*(?:\/\*[\s\S]*?\*\/|\/\/.*)[ \t]*\n?/gm, "")
    .replaceAll(/^[ \t]+(?:private |#).*;\n/gm, "");
  const statements = text.split(/^(?=(?:export|import|declare|type|interface)\b)/m);
  sources.set(file, statements);
  return statements;
}

function exportsOf(file: string): readonly Export[] {
  return statementsOf(file).flatMap((statement) => {
    const [, names, specifier = ""] = /^export (?:type )?\{([^}]*)\} from "([^"]+)"/.exec(statement) ?? [];
    if (names === undefined) {
      const name = /^export (?:declare )?(?:abstract )?\w+ (\w+)/.exec(statement)?.[1];
      return name === undefined ? [] : [{ name, original: name, from: file }];
    }
    const from = specifier.startsWith(".") ? join(dirname(file), specifier.replace(/\.[jt]s$/, ".d.ts")) : specifier;
    return [...names.matchAll(/(?:type )?(\w+)(?: as (\w+))?/g)].map(([, original = "", name = original]) => ({
      name,
      original,
      from,
    }));
  });
}

/** Finds the statements that declare a name, through files that pass it on. */
function declarationOf({ name, original, from }: Export): string {
  if (!from.endsWith(".d.ts")) return `export { ${original} } from "${from}";\n`;
  const declares = new RegExp(
    `^export (?:declare )?(?:abstract )?(?:function|class|const|interface|type) ${original}\\b`,
  );
  const found = statementsOf(from).filter((statement) => declares.test(statement));
  if (found.length > 0)
    return found
      .map((text) => text.replace(/^export (?:declare )?/, "").replace(new RegExp(`\\b${original}\\b`), name))
      .join("");
  const passedOn = exportsOf(from).find((item) => item.name === original && item.from !== from);
  if (passedOn === undefined) throw new Error(`no declaration of ${original} in ${from}`);
  return declarationOf({ ...passedOn, name });
}

/** Lists the types of this package that declarations mention and no entry exports: users can't name them. */
function unnamedIn(items: readonly Export[], exported: ReadonlySet<string>): readonly string[] {
  const names = items.flatMap((item) => {
    if (!item.from.endsWith(".d.ts")) return [];
    const local = statementsOf(item.from)
      .map((statement) => {
        const [, imported] = /^import (?:type )?\{([^}]*)\} from "\./.exec(statement) ?? [];
        return imported ?? /^(?:export )?(?:declare )?(?:class|interface|type) (\w+)/.exec(statement)?.[1] ?? "";
      })
      .join();
    const mentioned = declarationOf(item).match(/\b[A-Z]\w*[a-z]\w*\b/g) ?? [];
    return mentioned.filter((word) => !exported.has(word) && new RegExp(`\\b${word}\\b`).test(local));
  });
  return [...new Set(names)].sort();
}

function reportsOf(folder: string): ReadonlyMap<string, string> {
  const entries = entriesOf(folder).map((entry) => ({ ...entry, items: exportsOf(entry.declarations) }));
  const exported = new Set(entries.flatMap(({ items }) => items.flatMap(({ name, original }) => [name, original])));
  const bodies = entries.map(({ items }) =>
    items
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map((item) => declarationOf(item).trimEnd())
      .join("\n\n"),
  );
  const options = ["format", "--stdin-file-path=api.d.ts"];
  const input = bodies.map((body) => `${CUT}${body}\n`).join("\n");
  const formatted = execFileSync(BIOME, options, { cwd: ROOT, input, encoding: "utf8" }).split(CUT).slice(1);
  return new Map(
    entries.map(({ specifier, report, items }, index) => {
      const unnamed = unnamedIn(items, exported);
      const note = unnamed.length === 0 ? "" : `\nMentioned, but exported by no entry: ${unnamed.join(", ")}.\n`;
      const head = `# ${specifier}\n\nExported names: ${items.length}. Generated by \`pnpm generate:api\`; do not edit.\n`;
      return [report, `${head}${note}\n\`\`\`ts\n${formatted[index]?.trim()}\n\`\`\`\n`];
    }),
  );
}

const isCheck = process.argv.includes("--check");
const folders = globSync("{packages/*,firmware-sim}/package.json", { cwd: ROOT }).map((file) => dirname(file));
const reports = new Map(folders.flatMap((folder) => [...reportsOf(folder)]));
const old = globSync("{packages/*,firmware-sim}/api/*.api.md", { cwd: ROOT });
const read = (file: string): string => (existsSync(join(ROOT, file)) ? readFileSync(join(ROOT, file), "utf8") : "");
const stale = [...new Set([...old, ...reports.keys()])].filter((file) => read(file) !== reports.get(file));
for (const file of isCheck ? [] : stale) {
  const text = reports.get(file);
  mkdirSync(dirname(join(ROOT, file)), { recursive: true });
  if (text === undefined) rmSync(join(ROOT, file));
  else writeFileSync(join(ROOT, file), text);
}
if (isCheck && stale.length > 0) {
  console.error(`stale: ${stale.join(", ")}\nRun "pnpm generate:api" and review the difference.`);
  process.exitCode = 1;
}
