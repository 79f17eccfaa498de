/**
 * Installs Espressif's Python tools into a virtual environment of the project, `.tools/python`: esptool with espsecure and
 * espefuse, and esp-idf-nvs-partition-gen. The tests hold our formats against them. What is there already is left alone.
 *
 *     node scripts/python-tools.ts
 *
 * Every package is pinned with its hashes, and none but esptool is built here.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const ENVIRONMENT = resolve(import.meta.dirname, "../.tools/python");
const WHEELS = join(import.meta.dirname, "python-tools.txt");
const SOURCE = join(import.meta.dirname, "python-tools-source.txt");
/** Written last: which requirements the environment fulfils. */
const STAMP = join(ENVIRONMENT, "requirements.sha256");
const PYTHON = process.platform === "win32" ? join(ENVIRONMENT, "Scripts/python.exe") : join(ENVIRONMENT, "bin/python");

const wanted = createHash("sha256").update(readFileSync(WHEELS)).update(readFileSync(SOURCE)).digest("hex");
if (isInstalled()) console.log(`the Python tools are in ${ENVIRONMENT} already`);
else install();

function isInstalled(): boolean {
  if (!existsSync(STAMP) || readFileSync(STAMP, "utf8").trim() !== wanted) return false;
  // The Python that the environment was made with may be gone.
  return spawnSync(PYTHON, ["-c", "import esptool"]).status === 0;
}

function install(): void {
  const python = systemPython();
  rmSync(ENVIRONMENT, { recursive: true, force: true });
  run(python, ["-m", "venv", ENVIRONMENT]);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes"];
  run(PYTHON, [...pip, "--only-binary", ":all:", "-r", WHEELS]);
  run(PYTHON, [...pip, "--no-deps", "--no-build-isolation", "-r", SOURCE]);
  run(PYTHON, ["-m", "pip", "check", "--quiet"]);
  writeFileSync(STAMP, `${wanted}\n`);
  console.log(`the Python tools are in ${ENVIRONMENT}`);
}

/** A Python that esptool 5 runs on. */
function systemPython(): string {
  const isNewEnough = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
  const found = ["python3", "python"].find((name) => spawnSync(name, ["-c", isNewEnough]).status === 0);
  if (found !== undefined) return found;
  console.error("Python 3.10 or newer with venv is needed (on Debian and Ubuntu: apt-get install python3-venv)");
  process.exit(1);
}

function run(program: string, args: readonly string[]): void {
  const { status, error } = spawnSync(program, args, { stdio: "inherit" });
  if (status === 0) return;
  console.error(`${program} ${args.join(" ")} failed${error === undefined ? "" : `: ${error.message}`}`);
  process.exit(1);
}
