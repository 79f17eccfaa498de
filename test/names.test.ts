import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");
const SOURCES = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.ts"], {
  cwd: ROOT,
  encoding: "utf8",
})
  .trim()
  .split("\n")
  .filter((file) => !/\.(?:test|generated)\.ts$/.test(file));

/** Groups files by a name that each has, and keeps the names that several have. */
function clashesOf(named: readonly (readonly [name: string, file: string])[]): readonly string[] {
  const names = [...new Set(named.map(([name]) => name))];
  const filesOf = (name: string): string[] => named.filter(([other]) => other === name).map(([, file]) => file);
  return names.map((name) => `${name}: ${filesOf(name).join(", ")}`).filter((line) => line.includes(", "));
}

test("no two source files have the same name, but for index.ts", () => {
  const named = SOURCES.map((file) => [basename(file), file] as const).filter(([name]) => name !== "index.ts");
  expect(named.length).toBeGreaterThan(400);
  expect(clashesOf(named)).toEqual([]);
});

test("no two exported types have the same name", () => {
  const named = SOURCES.flatMap((file) => {
    const types = readFileSync(resolve(ROOT, file), "utf8").matchAll(
      /^export (?:declare )?(?:abstract )?(?:interface|type|class|enum) (\w+)/gm,
    );
    return [...types].map(([, name = ""]) => [name, file] as const);
  });
  expect(named.length).toBeGreaterThan(300);
  expect(clashesOf(named)).toEqual([]);
});
