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
    test: /[\\/]commander[\\/]|cli-kit[\\/]src[\\/](?!command-output|exit-code|report-error|table)|ota-publisher[\\/]src[\\/]cli[\\/]run-cli/,
  },
  {
    name: "core",
    test: /ota-core[\\/]src[\\/](?:(?:release|manifest|image|json|schemas|messages)[\\/]|[^\\/]+\.ts)|cli-kit[\\/]src[\\/]|@noble/,
  },
];

/** commander loads it for executable subcommands, which we have none of; it takes as long to load as commander itself. */
function loadChildProcessLate(code: string, id: string): string | undefined {
  if (!/commander[\\/]lib[\\/]command\.js$/.test(id)) return undefined;
  const eager = "const childProcess = require('node:child_process');";
  if (!code.includes(eager)) throw new Error("commander no longer loads node:child_process as it did");
  return code.replace(
    eager,
    "const childProcess = { spawn: (...args) => require('node:child_process').spawn(...args) };",
  );
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
    plugins: [{ name: "lazy-child-process", transform: loadChildProcessLate }],
    logLevel: "warn",
    output: {
      dir: folder,
      format: "esm",
      entryFileNames: "[name].js",
      chunkFileNames: "[name]-[hash].js",
      codeSplitting: { groups: GROUPS },
      // Only white space and comments go: names in stack traces stay.
      minify: { compress: false, mangle: false, codegen: true },
    },
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await writeBundle(process.argv[2] ?? join(PUBLISHER, "dist/bin"));
