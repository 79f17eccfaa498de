/**
 * What a user of the published packages gets: packs every tarball, holds it against the list of what may be in it, lints
 * it (publint, are-the-types-wrong), installs them in an empty folder, imports every entry point, bundles ota-core and
 * ota-serial for a browser, runs each command's --help, runs the READMEs' example of a test, and has Espressif's NVS
 * generator make a partition.
 */
import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { checkNvsGenerator } from "./check-nvs-generator.ts";
import { checkTarball } from "./check-tarball.ts";
import { packAll, type Tarball } from "./pack-all.ts";

const ROOT = resolve(import.meta.dirname, "..");
const COMMANDS = ["tinybms-ota", "tinybms-sim"] as const;

/** What a page makes of the packages that run there too. */
const PAGES = [
  [
    `import { Receiver, sha256, toHex } from "@tinybms/ota-core";
import { buildAppImage, parseAppImage } from "@tinybms/ota-core/esp";
import { encodeSlip } from "@tinybms/ota-core/serial";
import { WebCryptoVerifier } from "@tinybms/ota-core/signing";
const version = parseAppImage(buildAppImage({ chip: "esp32s3", version: "1.2.3" })).descriptor.version;
const bytes = encodeSlip(Uint8Array.of(0xc0));
const hash = toHex(sha256(new Uint8Array(0))).slice(0, 8);
globalThis.result = [version, hash, toHex(bytes), typeof Receiver, typeof WebCryptoVerifier].join(" ");
`,
    "1.2.3 e3b0c442 c0dbdcc0 function function",
  ],
  [
    `import { Flasher, openWebSerialLine, parseResetSequence } from "@tinybms/ota-serial";
globalThis.result = [typeof Flasher.connect, typeof openWebSerialLine, parseResetSequence("D0|R1").length].join();
`,
    "function,function,2",
  ],
] as const;

const work = mkdtempSync(join(tmpdir(), "tinybms-packages-"));
try {
  const tarballs = packAll(join(work, "tarballs"));
  for (const tarball of tarballs) {
    checkTarball(tarball.path);
    lint(tarball.path);
  }
  const folder = install(tarballs);
  for (const node of nodes()) {
    for (const { name, entries } of tarballs) for (const entry of entries) importEntry(node, folder, join(name, entry));
    for (const command of COMMANDS)
      run(node, [realpathSync(join(folder, "node_modules", ".bin", command)), "--help"], folder);
  }
  const generator = realpathSync(join(folder, "node_modules", ".bin", "esp-idf-nvs-partition-gen"));
  checkNvsGenerator(nodes().at(-1) ?? process.execPath, generator, folder);
  for (const node of nodes()) checkSerialError(node, folder);
  compile(folder);
  cpSync(join(ROOT, "ota"), join(folder, "ota"), { recursive: true });
  for (const node of nodes()) runTestExample(node, folder);
  bundleForBrowser(folder);
  console.log(
    `packages: ${tarballs.map(({ name }) => name).join(", ")} pack, install, import, compile and run on ${nodes().length} Node.js`,
  );
} finally {
  rmSync(work, { recursive: true, force: true });
}

function lint(tarball: string): void {
  const bin = join(ROOT, "node_modules", ".bin");
  run(join(bin, "publint"), ["run", tarball, "--strict"], ROOT);
  run(join(bin, "attw"), [tarball, "--profile", "esm-only"], ROOT);
}

function install(tarballs: readonly Tarball[]): string {
  const folder = join(work, "user");
  mkdirSync(folder);
  const dependencies = Object.fromEntries(tarballs.map(({ name, path }) => [name, `file:${path}`]));
  const overrides = dependencies; // the workspace's own packages depend on each other by range
  const manifest = { name: "user", private: true, type: "module", dependencies, overrides };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  run("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error"], folder);
  return folder;
}

/** The Node.js of the workspace, and the one that the machine has besides: users have either. */
function nodes(): readonly string[] {
  const path = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  const system = path.map((folder) => join(folder, "node")).find((file) => existsSync(file));
  return system === undefined ? [process.execPath] : [process.execPath, system];
}

function importEntry(node: string, folder: string, specifier: string): void {
  const code = `const all = await import(${JSON.stringify(specifier)}); if (Object.keys(all).length === 0) process.exit(3)`;
  run(node, ["--input-type=module", "-e", code], folder);
}

/** The bundled command has an ota-core inside, and ota-serial one beside it: the errors of both must be known. */
function checkSerialError(node: string, folder: string): void {
  const command = realpathSync(join(folder, "node_modules", ".bin", "tinybms-ota"));
  const args = ["flash", "--port", "socket://127.0.0.1:1", "--image", `${command}@0x10000`, "--json"];
  const { stdout } = spawnSync(node, [command, ...args], { cwd: folder, encoding: "utf8" });
  if (!stdout.includes('"code": "serial/port-not-found"')) throw new Error(`flash answered ${stdout}`);
}

function compile(folder: string): void {
  writeFileSync(
    join(folder, "user.ts"),
    `import { parseAppImage, type AppImage } from "@tinybms/ota-core/esp";
import { packageRelease } from "@tinybms/ota-core/node";
import { runCli } from "@tinybms/ota-publisher";
import { Flasher } from "@tinybms/ota-serial";
import { openPort } from "@tinybms/ota-serial/node";
import { NorFlash } from "@tinybms/firmware-sim";
export const image: AppImage = parseAppImage(new Uint8Array(0));
export const parts: readonly unknown[] = [packageRelease, runCli, Flasher, openPort, NorFlash];
`,
  );
  const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--lib", "es2023,dom"];
  run(join(ROOT, "node_modules", ".bin", "tsc"), [...options, "--types", "", "user.ts"], folder);
}

/** Runs the READMEs' example with vitest, or compiled for `node:test` where Node.js is too old for vitest. */
function runTestExample(node: string, folder: string): void {
  const source = readFileSync(join(ROOT, "examples/power-cut.test.ts"), "utf8");
  if (Number(execFileSync(node, ["-p", "process.versions.node.split('.')[0]"], { encoding: "utf8" })) >= 22) {
    const [tool, file] = [join(ROOT, "node_modules", "vitest"), "power-cut.test.ts"];
    if (!existsSync(join(folder, "node_modules", "vitest"))) symlinkSync(tool, join(folder, "node_modules", "vitest"));
    writeFileSync(join(folder, file), source);
    run(node, [join(tool, "vitest.mjs"), "run", "--root", folder, "--testTimeout", "600000", file], folder);
    return;
  }
  writeFileSync(join(folder, "power-cut-node.ts"), source.replace('from "vitest"', 'from "node:test"'));
  const options = ["--strict", "--module", "nodenext", "--target", "es2022", "--lib", "es2023,esnext.disposable,dom"];
  const types = ["--typeRoots", join(ROOT, "node_modules", "@types"), "--types", "node", "--skipLibCheck"];
  run(join(ROOT, "node_modules", ".bin", "tsc"), [...options, ...types, "power-cut-node.ts"], folder);
  run(node, ["--test", "power-cut-node.js"], folder);
}

function bundleForBrowser(folder: string): void {
  for (const [index, [page, answer]] of PAGES.entries()) {
    const [source, bundle] = [`page-${index}.js`, `bundle-${index}`];
    writeFileSync(join(folder, source), page);
    run(
      join(ROOT, "node_modules", ".bin", "rolldown"),
      [source, "--platform", "browser", "--dir", bundle, "--entry-file-names", "page.js"],
      folder,
    );
    // Without Node's globals, as a page would run it.
    const code = `import { readFileSync } from "node:fs"; import vm from "node:vm";
const page = { TextEncoder, TextDecoder, atob, btoa }; page.globalThis = page;
const context = vm.createContext(page);
const module = new vm.SourceTextModule(readFileSync("${bundle}/page.js", "utf8"), { context });
await module.link((name) => { throw new Error("the bundle imports " + name) }); await module.evaluate();
if (page.result !== "${answer}") throw new Error("the bundle answered " + page.result);`;
    run(process.execPath, ["--experimental-vm-modules", "--no-warnings", "--input-type=module", "-e", code], folder);
  }
}

function run(command: string, args: readonly string[], cwd: string): void {
  execFileSync(command, args, { cwd, stdio: ["ignore", "ignore", "inherit"] });
}
