// Builds packages/ota-device-wasm/tinybms_ota.wasm from components/tinybms_ota with clang 19, and records how in
// provenance.json beside it. `--check` builds it anew and fails if the committed file differs.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");

/** Folder of the device component, from the root of the repository. */
const COMPONENT = "components/tinybms_ota";

const PACKAGE = join(ROOT, "packages", "ota-device-wasm");
const WASM = join(PACKAGE, "tinybms_ota.wasm");
const PROVENANCE = join(PACKAGE, "provenance.json");

const COMPILER = "clang-19";

const FLAGS: readonly string[] = [
  "--target=wasm32",
  "-mbulk-memory",
  "-std=c11",
  "-O2",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-nostdlib",
  "-isystem",
  `${COMPONENT}/wasm/libc`,
  `-I${COMPONENT}/include`,
  `-I${COMPONENT}/src`,
  "-Wl,--no-entry",
  "-Wl,--strip-all",
  "-Wl,--gc-sections",
  "-Wl,-z,stack-size=16384",
  "-Wl,--export=__heap_base",
];

/** How `tinybms_ota.wasm` was built. */
export interface Provenance {
  /** First line of the compiler's `--version`. */
  readonly compiler: string;
  readonly flags: readonly string[];
  /** SHA-256 of each source, by its path from the root of the repository. */
  readonly sources: Readonly<Record<string, string>>;
  /** SHA-256 of the built file. */
  readonly wasm: string;
}

/** Returns the SHA-256 of each source of the module, by its path from the root of the repository. */
export function hashSources(): Readonly<Record<string, string>> {
  const patterns = ["include/tinybms_ota.h", "src/codec/*.{c,h}", "src/core/*.{c,h}", "wasm/**/*.{c,h}"];
  const files = globSync(
    patterns.map((pattern) => `${COMPONENT}/${pattern}`),
    { cwd: ROOT },
  );
  return Object.fromEntries(files.sort().map((file) => [file, sha256(readFileSync(join(ROOT, file)))]));
}

/** Reads the provenance of the committed module. */
export function readProvenance(): Provenance {
  return JSON.parse(readFileSync(PROVENANCE, "utf8"));
}

/** Returns the first line of the compiler's `--version`, or `undefined` if it is not installed. */
export function compilerVersion(): string | undefined {
  const { status, stdout } = spawnSync(COMPILER, ["--version"], { encoding: "utf8" });
  return status === 0 ? stdout.split("\n")[0] : undefined;
}

/**
 * Compiles the module.
 *
 * @returns Its bytes.
 * @throws Error with what the compiler printed.
 */
export function buildWasm(): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "tinybms-wasm-"));
  const out = join(folder, "tinybms_ota.wasm");
  const units = Object.keys(hashSources()).filter((file) => file.endsWith(".c"));
  const { status, stderr } = spawnSync(COMPILER, [...FLAGS, "-o", out, ...units], { cwd: ROOT, encoding: "utf8" });
  try {
    if (status !== 0) throw new Error(`${COMPILER} failed:\n${stderr}`);
    return Uint8Array.from(readFileSync(out));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Returns the SHA-256 of the committed module. */
export function committedWasmHash(): string {
  return sha256(readFileSync(WASM));
}

/** Returns the SHA-256 of bytes as hexadecimal digits. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function main(): void {
  const compiler = compilerVersion();
  if (compiler === undefined) throw new Error(`${COMPILER} is not installed: sudo apt-get install clang-19 lld-19`);
  const bytes = buildWasm();
  const built = sha256(bytes);
  if (process.argv.includes("--check")) {
    if (built !== committedWasmHash()) throw new Error(`the committed module differs: run node scripts/build-wasm.ts`);
    return;
  }
  const provenance: Provenance = { compiler, flags: FLAGS, sources: hashSources(), wasm: built };
  writeFileSync(WASM, bytes);
  writeFileSync(PROVENANCE, `${JSON.stringify(provenance, undefined, 2)}\n`);
  process.stdout.write(`${bytes.length} bytes\n`);
}

if (import.meta.main) main();
