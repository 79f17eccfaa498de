import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundleCommand } from "../scripts/bundle-command.ts";

const ROOT = { schema_version: 1, product: { name: "gateway", hardware: "esp32" }, versions: [] };

/** Modules of Node that take a millisecond or more to load. */
const LARGE = ["crypto", "http", "https", "internal/fs/promises", "net", "readline", "tls", "zlib"];

let folder = "";
let command = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-start-up-"));
  command = await bundleCommand(join(folder, "command"));
  mkdirSync(join(folder, "ota"));
  writeFileSync(join(folder, "ota", "manifest.json"), JSON.stringify(ROOT));
  writeFileSync(join(folder, "app.bin"), buildAppImage({ chip: "esp32", version: "1.0.0" }));
  const names =
    "process.once('exit', () => process.getBuiltinModule('node:fs').writeFileSync(process.env.MODULES, process.moduleLoadList.join('\\n')))";
  writeFileSync(join(folder, "names.cjs"), names);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("--help loads one file of a few kilobytes, and none of Node's larger modules", () => {
  const { files, bytes, builtins } = load(["--help"]);
  expect(files).toEqual(["tinybms-ota.js"]);
  expect(bytes).toBeLessThan(3_000);
  expect(builtins).toEqual([]);
});

test("package loads three files, no protocol message, and nothing of a network", () => {
  const { files, bytes, builtins } = load(["package", "--binary", "app.bin", "--update-manifest"]);
  expect(files.map((name) => name.replace(/-.{8}\.js$/, ""))).toEqual(["cli", "packaging", "tinybms-ota.js"]);
  expect(bytes).toBeLessThan(240_000);
  expect(builtins).toEqual(["crypto"]);
});

test("the built help text is what the program prints", () => {
  const run = () => spawnSync(process.execPath, [command, "--help"], { encoding: "utf8" });
  const built = run();
  rmSync(join(dirname(command), "help.json"));
  const printed = run();
  expect(built.status).toBe(0);
  expect(built.stdout).toBe(printed.stdout);
  expect(built.stdout).toContain("package a build as a release");
});

/**
 * Runs the bundled command and returns its files that were loaded, their size, and Node's modules that take long. A pipe
 * as standard output would load `node:net`.
 */
function load(args: readonly string[]): { files: string[]; bytes: number; builtins: string[] } {
  const coverage = join(folder, `coverage-${args[0]}`);
  const modules = join(folder, `modules-${args[0]}`);
  const env = { ...process.env, NODE_V8_COVERAGE: coverage, MODULES: modules, NODE_OPTIONS: "" };
  const argv = ["--require", join(folder, "names.cjs"), command, ...args];
  const { status, stderr } = spawnSync(process.execPath, argv, {
    cwd: folder,
    env,
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
  });
  expect(status, stderr).toBe(0);
  const reports = readdirSync(coverage).map((name) => JSON.parse(readFileSync(join(coverage, name), "utf8")));
  const urls: string[] = reports.flatMap(({ result }) => result.map(({ url }: { url: string }) => url));
  const paths = urls.filter((url) => url.startsWith("file:")).map((url) => fileURLToPath(url));
  const own = paths.filter((path) => path.startsWith(dirname(command)));
  const loaded = readFileSync(modules, "utf8").split("\n");
  return {
    files: own.map((path) => path.slice(dirname(command).length + 1)).sort(),
    bytes: own.reduce((sum, path) => sum + statSync(path).size, 0),
    builtins: LARGE.filter((name) => loaded.includes(`NativeModule ${name}`)),
  };
}
