/**
 * The folders of each package as layers: a file imports only from its own folder and from lower layers.
 * `test/layers.test.ts` checks it, type imports included. This script writes the tables into `docs/architecture.md`.
 *
 *     node scripts/layers.ts
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");
const PAGE = join(ROOT, "docs/architecture.md");

/**
 * Each package's layers, top to bottom. A folder of one layer does not import from another folder of the same layer.
 * `entries` stands for the files in `src/` that users import or run, `base` for the other files in `src/`.
 */
export const LAYERS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  "packages/ota-core": [
    ["entries"],
    ["release"],
    ["inspect", "receiver", "rollout"],
    ["fleet", "manifest", "provisioning", "sender", "signing"],
    ["messages"],
    ["image", "nvs", "schemas", "serial"],
    ["base", "json"],
  ],
  "packages/ota-serial": [["entries"], ["plan"], ["boot", "flash"], ["loader", "node"], ["line"]],
  "packages/ota-broker": [["entries"], ["base"]],
  "packages/cli-kit": [["entries"], ["base"]],
  "packages/ota-device-wasm": [["entries"], ["base"]],
  "packages/ota-publisher": [
    ["bin", "entries"],
    ["cli"],
    ["commands"],
    ["deploy"],
    ["broker-check", "deploy/ways"],
    ["fleet", "provisioning", "rollout"],
    ["mqtt"],
    ["https", "serial", "signing"],
    ["console", "tls"],
    ["base", "network"],
  ],
  "packages/esp-idf-nvs-partition-gen": [["bin"], ["entries"], ["base"]],
  "firmware-sim": [
    ["bin"],
    ["entries"],
    ["commands"],
    ["conformance", "testkit", "twin"],
    ["fuzz", "power-cut", "replay-page", "serial"],
    ["mqtt", "simulation"],
    ["device"],
    ["fault"],
    ["agent"],
    ["esp-idf", "rom"],
    ["boot"],
    ["flash", "nvs"],
    ["esp-err", "idf-release", "random"],
  ],
};

/** Files in `src/` that are entries of a package. */
const ENTRIES = new Set([
  "index.ts",
  "client.ts",
  "esp.ts",
  "serial.ts",
  "signing.ts",
  "node.ts",
  "cli.ts",
  "flasher.ts",
]);

/** One file that imports another of its package. */
export interface Import {
  readonly from: string;
  readonly to: string;
}

/** Lists all imports between files of a package, tests aside, as paths from the project's root. */
export function importsOf(packageFolder: string): readonly Import[] {
  const files = globSync(`${packageFolder}/src/**/*.ts`, { cwd: ROOT }).filter((file) => !file.endsWith(".test.ts"));
  return files.flatMap((file) => {
    const specifiers = readFileSync(join(ROOT, file), "utf8").matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g);
    return [...specifiers].map(([, specifier = ""]) => ({ from: file, to: join(dirname(file), specifier) }));
  });
}

/** Names the folder that a file stands in, or `entries` or `base`. */
export function folderOf(packageFolder: string, file: string): string {
  const folder = relative(join(packageFolder, "src"), dirname(file)).split(sep).join("/");
  if (folder !== "") return folder;
  return ENTRIES.has(basename(file)) ? "entries" : "base";
}

/** Lists the folders from which each folder of a package imports. */
export function arrowsOf(packageFolder: string): ReadonlyMap<string, ReadonlySet<string>> {
  const arrows = new Map<string, Set<string>>();
  for (const { from, to } of importsOf(packageFolder)) {
    const [source, target] = [folderOf(packageFolder, from), folderOf(packageFolder, to)];
    if (source === target) continue;
    arrows.set(source, (arrows.get(source) ?? new Set()).add(target));
  }
  return arrows;
}

/** Writes the tables as they stand in `docs/architecture.md`. */
export function layerTables(): string {
  const tables = Object.entries(LAYERS).map(([packageFolder, layers]) => {
    const arrows = arrowsOf(packageFolder);
    const order = layers.flat();
    const rows = layers.flatMap((layer, index) =>
      layer.map((folder) => {
        const targets = [...(arrows.get(folder) ?? [])].sort(
          (left, right) => order.indexOf(left) - order.indexOf(right),
        );
        return `| ${layers.length - index} | \`${folder}\` | ${targets.map((target) => `\`${target}\``).join(", ")} |`;
      }),
    );
    return [`**${packageFolder}**`, "", "| layer | folder | imports from |", "|---|---|---|", ...rows].join("\n");
  });
  return tables.join("\n\n");
}

/** Replaces the tables in the page. */
export function withLayerTables(page: string): string {
  return page.replace(
    /(<!-- layers -->\n).*(\n<!-- \/layers -->)/s,
    (_, begin, end) => `${begin}\n${layerTables()}\n${end}`,
  );
}

if (process.argv[1] === import.meta.filename) writeFileSync(PAGE, withLayerTables(readFileSync(PAGE, "utf8")));
