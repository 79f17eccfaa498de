import { execFile } from "node:child_process";
import { globSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

/** Runs a command to its end. @returns Its output. */
export async function run(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const { cwd, env } = options;
  const { stdout } = await promisify(execFile)(command, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout.trim();
}

/** Builds a command of a Go module. @returns Path of the command. */
export async function goInstall(folder: string, module: string, command: string): Promise<string> {
  const bin = join(folder, "bin");
  await run("go", ["install", module], { env: { GOBIN: bin } });
  return join(bin, command);
}

/** Builds a command of a crate. @returns Path of the command. */
export async function cargoInstall(folder: string, crate: string): Promise<string> {
  const target = join(folder, "target");
  await run("cargo", ["install", "--quiet", "--root", folder, crate], { env: { CARGO_TARGET_DIR: target } });
  return join(folder, "bin", crate.replace(/@.*/, ""));
}

/** Installs a Python package into an environment of its own. @returns Path of its commands. */
export async function pipInstall(folder: string, requirement: string): Promise<string> {
  await run("python3", ["-m", "venv", folder]);
  await run(join(folder, "bin/pip"), ["install", "--quiet", requirement]);
  return join(folder, "bin");
}

/** Copies an artifact and what it depends on into a folder. @returns The classpath. */
export async function mavenCopy(folder: string, group: string, artifact: string, version: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const own =
    "<modelVersion>4.0.0</modelVersion><groupId>try</groupId><artifactId>try</artifactId><version>1</version>";
  const needed = `<groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version>`;
  const project = `<project>${own}<dependencies><dependency>${needed}</dependency></dependencies></project>\n`;
  writeFileSync(join(folder, "pom.xml"), project);
  const local = `-Dmaven.repo.local=${join(folder, "repository")}`;
  await run("mvn", ["-q", local, "dependency:copy-dependencies", "-DoutputDirectory=lib"], { cwd: folder });
  return join(folder, "lib/*");
}

/**
 * Unpacks a Debian package into a folder, with the packages it depends on whose names match.
 *
 * @returns The folder's root.
 */
export async function debUnpack(folder: string, name: string, needed: RegExp): Promise<string> {
  const [packages, root] = [join(folder, "packages"), join(folder, "root")];
  mkdirSync(packages, { recursive: true });
  const without = ["recommends", "suggests", "conflicts", "breaks", "replaces", "enhances"].map((it) => `--no-${it}`);
  const all = await run("apt-cache", ["depends", "--recurse", ...without, name]);
  const names = new Set(all.split("\n").filter((line) => needed.test(line)));
  await run("apt-get", ["download", "-qq", name, ...names], { cwd: packages });
  for (const file of readdirSync(packages)) await run("dpkg", ["-x", join(packages, file), root]);
  return root;
}

/** Replaces a text in files. */
export function replaceIn(root: string, pattern: string, from: string, to: string): void {
  for (const file of globSync(pattern, { cwd: root })) {
    const path = join(root, file);
    writeFileSync(path, readFileSync(path, "utf8").replaceAll(from, to));
  }
}
