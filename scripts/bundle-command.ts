/**
 * Bundles `tinybms-ota` into a few files. Loading a hundred small modules takes Node longer than all that `package` does.
 *
 *     node --conditions=@tinybms/source scripts/bundle-command.ts [FOLDER]
 *
 * What comes from the registry stays outside and keeps its own licence and its own updates, but for commander, which
 * every command needs, and the hashes and ciphers that only ota-core depends on.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { runCli } from "@tinybms/ota-publisher";
import { type BuildOptions, build } from "rolldown";
import { type BuiltHelp, DEFAULT_COLUMNS } from "../packages/ota-publisher/src/bin/built-help.ts";

const PUBLISHER = fileURLToPath(new URL("../packages/ota-publisher/", import.meta.url));

/** What goes into the bundle besides the command itself. */
const BUNDLED = /^(?:@tinybms\/(?:ota-core|cli-kit)|@noble\/(?:hashes|ciphers)|commander)(?:\/|$)/;

/** What every help text needs: one file. */
const CLI =
  /[\\/]commander[\\/]|cli-kit[\\/]src[\\/](?!command-output|exit-code|report-error|table)|ota-publisher[\\/]src[\\/]cli[\\/](?:run-cli|declare-package|manifest-default|signing-options)/;

/** What nearly every other command needs besides what `package` needs. */
const CORE =
  /ota-core[\\/]src[\\/](?:(?:release|manifest|image|json|schemas|messages)[\\/]|[^\\/]+\.ts)|cli-kit[\\/]src[\\/]|@noble[\\/]hashes|ota-publisher[\\/]src[\\/]commands[\\/]file-tree/;

/**
 * Gives commander Node's modules without the loader of CommonJS, and `node:child_process` only if it is used: it takes as
 * long to load as commander itself, and serves executable subcommands, which we have none of.
 */
function requireBuiltinsLate(code: string, id: string): string | undefined {
  if (!/[\\/]commander[\\/]/.test(id)) return undefined;
  return code
    .replace(
      "require('node:child_process')",
      "{ spawn: (...args) => globalThis.process.getBuiltinModule('node:child_process').spawn(...args) }",
    )
    .replace(/\brequire\(('node:[a-z_/]+')\)/g, "globalThis.process.getBuiltinModule($1)");
}

/**
 * Takes Node's modules as they are. An import of one reads all that the module exports, and reading all of `node:fs` loads
 * streams, `readline` and more, which take longer than half of the commands.
 */
function importBuiltinsLate(code: string): string {
  return code.replace(
    /\bimport\s*\{([^}]*)\}\s*from\s*["'`](node:[a-z_/]+)["'`]/g,
    (_, names: string, module: string) => {
      const taken = names.replace(/\s+as\s+/g, ":");
      return `const{${taken}}=process.getBuiltinModule("${module}")`;
    },
  );
}

/**
 * Lets dynamic imports name the chunk that holds their module. The bundler makes a file for each that only exports it
 * anew, and to find and read one more file takes a millisecond.
 */
function skipFacades(_: unknown, bundle: Record<string, { code?: string; fileName: string }>): void {
  const facades = new Map<string, string>();
  for (const { code = "", fileName } of Object.values(bundle)) {
    const parts = /^\s*import\{([^}]*)\}from["'`]\.\/([^"'`]+)["'`];export\{([^}]*)\};\s*$/.exec(code);
    if (parts === null) continue;
    const [, imported = "", chunk = "", exported = ""] = parts;
    const taken = imported.replace(/\s+as\s+/g, ":");
    const given = exported.replace(/([\w$]+)\s+as\s+([\w$]+)/g, "$2:$1");
    facades.set(fileName, `import("./${chunk}").then(({${taken}})=>({${given}}))`);
    delete bundle[fileName];
  }
  for (const chunk of Object.values(bundle)) {
    if (chunk.code === undefined) continue;
    chunk.code = chunk.code.replace(
      /\bimport\(["'`]\.\/([^"'`]+)["'`]\)/g,
      (whole, name: string) => facades.get(name) ?? whole,
    );
  }
}

/** Puts the bundler's own functions into the chunk that needs them, for the same reason. */
function inlineRuntime(_: unknown, bundle: Record<string, { code?: string; fileName: string }>): void {
  const runtime = Object.values(bundle).find(({ fileName }) => fileName.startsWith("rolldown-runtime"));
  if (runtime?.code === undefined) return;
  const text = runtime.code.replace(/export\{[^}]*\};\s*$/, "");
  for (const chunk of Object.values(bundle)) {
    const imported = new RegExp(`import\\{[^}]*\\}from["'\`]\\./${runtime.fileName}["'\`];`);
    if (chunk.code !== undefined) chunk.code = chunk.code.replace(imported, () => text);
  }
  delete bundle[runtime.fileName];
}

/**
 * Writes a package of its own that holds nothing but the command.
 *
 * @param folder - Created for it; it must be outside of other packages, or inside the publisher.
 * @returns The file to run with Node.
 */
export async function bundleCommand(folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  cpSync(join(PUBLISHER, "package.json"), join(folder, "package.json"));
  symlinkSync(join(PUBLISHER, "node_modules"), join(folder, "node_modules"), "junction");
  await writeBundle(join(folder, "dist", "bin"));
  return join(folder, "dist", "bin", "tinybms-ota.js");
}

/** Modules that export a whole package. */
const ENTRY = /(?:ota-core|cli-kit)[\\/]src[\\/](?:index|node|esp|signing|serial[\\/]index|output|exit-code)\.ts$/;

const SHARED = {
  platform: "node",
  resolve: { conditionNames: ["@tinybms/source", "node", "import"] },
  external: (id: string) => /^[@a-z]/.test(id) && !BUNDLED.test(id),
  plugins: [
    { name: "plain-builtins", transform: requireBuiltinsLate, renderChunk: importBuiltinsLate },
    { name: "no-facades", generateBundle: skipFacades },
    { name: "no-runtime", generateBundle: inlineRuntime },
  ],
  logLevel: "warn",
} as const satisfies Partial<BuildOptions>;

async function writeBundle(folder: string): Promise<void> {
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    if (name.endsWith(".js")) rmSync(join(folder, name)); // an earlier bundle's, under names that changed since
  }
  const packaging = await modulesOf([
    join(PUBLISHER, "src/commands/package.ts"),
    join(PUBLISHER, "../cli-kit/src/command-output.ts"),
  ]);
  const groups = [
    { name: "cli", test: CLI },
    { name: "packaging", test: (id: string) => packaging.has(id), includeDependenciesRecursively: false },
    { name: "core", test: CORE, includeDependenciesRecursively: false },
  ];
  await build({
    ...SHARED,
    input: join(PUBLISHER, "src/bin/tinybms-ota.ts"),
    preserveEntrySignatures: false,
    output: {
      dir: folder,
      format: "esm",
      entryFileNames: "[name].js",
      chunkFileNames: "[name]-[hash].js",
      codeSplitting: { groups },
      // Only white space and comments go: names in stack traces stay.
      minify: { compress: false, mangle: false, codegen: true },
    },
  });
  const help: BuiltHelp = { wrapped: await helpText(DEFAULT_COLUMNS), unwrapped: await helpText(1_000) };
  writeFileSync(join(folder, "help.json"), JSON.stringify(help));
}

/** Returns what `tinybms-ota --help` prints. */
async function helpText(columns: number): Promise<string> {
  const stdout = new PassThrough({ encoding: "utf8" });
  const stderr = new PassThrough().resume();
  await runCli(["--help"], { stdout, stderr, env: {}, signal: new AbortController().signal, columns });
  return String(stdout.read());
}

/**
 * Returns the modules that some modules load at once: those of which they use something, and what these import by name.
 * Entries of packages, which import everything, are not followed.
 */
async function modulesOf(input: string[]): Promise<ReadonlySet<string>> {
  const imports = new Map<string, readonly string[]>();
  const record = { name: "record-imports", moduleParsed: remember };
  function remember({ id, importedIds }: { readonly id: string; readonly importedIds: readonly string[] }): void {
    imports.set(id, importedIds);
  }
  const plugins = [...SHARED.plugins, record];
  const { output } = await build({ ...SHARED, plugins, input, write: false, output: { format: "esm" } });
  const chunks = output.filter((file) => file.type === "chunk");
  const loaded = chunks.filter(({ isEntry }) => isEntry);
  const modules = new Set<string>();
  for (const { modules: parts, imports: names } of loaded) {
    for (const [id, { renderedLength }] of Object.entries(parts)) if (renderedLength > 0) modules.add(id);
    loaded.push(...chunks.filter((chunk) => names.includes(chunk.fileName) && !loaded.includes(chunk)));
  }
  for (const id of modules) for (const next of imports.get(id) ?? []) if (!ENTRY.test(next)) modules.add(next);
  return modules;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await writeBundle(process.argv[2] ?? join(PUBLISHER, "dist/bin"));
