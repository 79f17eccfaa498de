import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Everything of node:fs that creates a file, or opens one that is there for writing. */
const WRITER =
  /\b(?:writeFile(?:Sync)?|appendFile(?:Sync)?|createWriteStream|copyFile(?:Sync)?|cp(?:Sync)?|truncate(?:Sync)?)\(|\bopen(?:Sync)?\([^)]*"(?:w|a|r\+)[x+]*"/;

/** Files with writers, and why each is none for a release line. */
const WRITERS: Readonly<Record<string, string>> = {
  "packages/ota-core/src/release/new-file.ts": "the one that all others use",
  "packages/ota-publisher/src/commands/smoke.ts": "a temporary folder of its own",
  "packages/esp-idf-nvs-partition-gen/src/generate-nvs-partition.ts": "a temporary folder of its own",
  "packages/esp-idf-nvs-partition-gen/src/environment-record.ts": "the folder of its Python environment",
  "firmware-sim/src/device/flash-file.ts": "the flash of a simulated device, named by --flash, written in place",
  "firmware-sim/src/commands/power-cut-report.ts": "a folder named by --output",
  "firmware-sim/src/commands/fuzz-command.ts": "a folder named by --output",
  "packages/ota-publisher/src/rollout/journal-file.ts":
    "the journal of a rollout: created exclusively, then it grows at its end",
};

test("one module opens files for writing; others are listed with their reason", () => {
  const files = globSync(["packages/*/src/**/*.ts", "firmware-sim/src/**/*.ts"], { cwd: ROOT });
  expect(files.length).toBeGreaterThan(300);
  const writers = files
    .filter((file) => !file.endsWith(".test.ts"))
    .filter((file) => WRITER.test(readFileSync(`${ROOT}/${file}`, "utf8")));
  expect(writers.sort()).toEqual(Object.keys(WRITERS).sort());
});

test.for([
  ['writeFile(path, "x")', true],
  ['await open(path, "wx", 0o600)', true],
  ['openSync(path, "r+")', true],
  ['open(path, "a")', true],
  ['openSync(path, "r")', false],
  ["writeFileAtomically(path, bytes)", false],
] as const)("%s is found as a writer: %s", ([code, expected]) => {
  expect(WRITER.test(code)).toBe(expected);
});
