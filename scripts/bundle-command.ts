/**
 * Bundles `tinybms-ota` into a few files. Loading a hundred small modules takes Node longer than all that `package` does.
 *
 *     node --conditions=@tinybms/source scripts/bundle-command.ts [FOLDER]
 *
 * What comes from the registry stays outside and keeps its own licence and its own updates, but for commander, which
 * every command needs, and the hashes and ciphers that only ota-core depends on.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";

const PUBLISHER = fileURLToPath(new URL("../packages/ota-publisher/", import.meta.url));

/** What goes into the bundle besides the command itself. */
const BUNDLED = /^(?:@tinybms\/(?:ota-core|cli-kit)|@noble\/(?:hashes|ciphers)|commander)(?:\/|$)/;

/**
 * Modules that are loaded together, so that they are read as one file: what every help text needs, and what nearly every
 * command needs.
 */
const GROUPS = [
  {
    name: "cli",
    test: /[\\/]commander[\\/]|cli-kit[\\/]src[\\/](?!command-output|exit-code|report-error|table)|ota-publisher[\\/]src[\\/]cli[\\/](?:run-cli|declare-package|manifest-default|signing-options)/,
  },
  {
    name: "core",
    test: /ota-core[\\/]src[\\/](?:(?:release|manifest|image|json|schemas|messages)[\\/]|[^\\/]+\.ts)|cli-kit[\\/]src[\\/]|@noble[\\/]hashes|ota-publisher[\\/]src[\\/]commands[\\/](?:package|file-tree)/,
  },
];

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

async function writeBundle(folder: string): Promise<void> {
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    if (name.endsWith(".js")) rmSync(join(folder, name)); // an earlier bundle's, under names that changed since
  }
  await build({
    input: join(PUBLISHER, "src/bin/tinybms-ota.ts"),
    platform: "node",
    resolve: { conditionNames: ["@tinybms/source", "node", "import"] },
    external: (id) => /^[@a-z]/.test(id) && !BUNDLED.test(id),
    plugins: [
      { name: "plain-builtins", transform: requireBuiltinsLate, renderChunk: importBuiltinsLate },
      { name: "no-facades", generateBundle: skipFacades },
    ],
    logLevel: "warn",
    output: {
      dir: folder,
      format: "esm",
      entryFileNames: "[name].js",
      chunkFileNames: "[name]-[hash].js",
      codeSplitting: { groups: GROUPS },
      // V8 13.6 and later compile all of the chunk at once, so that the compile cache holds every function of it.
      postBanner: ({ name }) => (name === "cli" ? "//# allFunctionsCalledOnLoad" : ""),
      // Only white space and comments go: names in stack traces stay.
      minify: { compress: false, mangle: false, codegen: true },
    },
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await writeBundle(process.argv[2] ?? join(PUBLISHER, "dist/bin"));
