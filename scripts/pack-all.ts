/**
 * Packs every package into a folder, as they would be published.
 *
 *     node scripts/pack-all.ts [FOLDER]      (default: tarballs/)
 *
 * From another repository: `npm install FOLDER/*.tgz`.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");

/** Folders of the packages, each after those that it depends on. */
const PACKAGES = [
  "packages/ota-core",
  "packages/ota-broker",
  "packages/cli-kit",
  "packages/ota-device-wasm",
  "packages/ota-serial",
  "packages/ota-publisher",
  "packages/esp-idf-nvs-partition-gen",
  "firmware-sim",
] as const;

/** A package as users install it. */
export interface Tarball {
  readonly name: string;
  readonly path: string;
  /** Subpaths of `exports` that are code. */
  readonly entries: readonly string[];
}

/**
 * Packs all packages. They must be built.
 *
 * @param destination - Folder for the tarballs; tarballs that are in it are removed first.
 */
export function packAll(destination: string): readonly Tarball[] {
  mkdirSync(destination, { recursive: true });
  for (const file of tarballsIn(destination)) rmSync(join(destination, file));
  return PACKAGES.map((folder) => {
    const before = new Set(tarballsIn(destination));
    const args = ["-y", "pnpm@12", "pack", "--pack-destination", destination];
    execFileSync("npx", args, { cwd: join(ROOT, folder), stdio: ["ignore", "ignore", "inherit"] });
    const file = tarballsIn(destination).find((name) => !before.has(name));
    if (file === undefined) throw new Error(`${folder}: pnpm pack left no tarball`);
    const manifest: { readonly name: string; readonly exports: object } = JSON.parse(
      readFileSync(join(ROOT, folder, "package.json"), "utf8"),
    );
    const entries = Object.keys(manifest.exports).filter((entry) => entry !== "./package.json");
    return { name: manifest.name, path: join(destination, file), entries };
  });
}

function tarballsIn(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => name.endsWith(".tgz"));
}

if (process.argv[1] === import.meta.filename) {
  for (const { path } of packAll(resolve(process.argv[2] ?? join(ROOT, "tarballs")))) console.log(path);
}
