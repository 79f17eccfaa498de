import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const ROOT = new URL("..", import.meta.url);
const PAGE = readFileSync(new URL("docs/security.md", ROOT), "utf8");

/** The rows of the threat table, their last cell apart. */
function threats(): readonly (readonly [attack: string, tests: string])[] {
  const [, section = ""] = PAGE.split("## Threats\n");
  const rows = (section.split("\n## ")[0] ?? "").split("\n").filter((line) => line.startsWith("| "));
  return rows.slice(1).map((row) => {
    const cells = row.slice(2, -2).split(" | ");
    return [cells[0] ?? "", cells.at(-1) ?? ""];
  });
}

/** Files with the names of tests in them, as a cell gives them: `file`: "name", "name". */
function testsIn(cell: string): readonly (readonly [file: string, name: string])[] {
  return [...cell.matchAll(/`([^`]+\.ts)`: ((?:"[^"]+"(?:, )?)+)/g)].flatMap(([, file = "", names = ""]) =>
    [...names.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => [file, name] as const),
  );
}

test("the threat table has rows, each with another attack", () => {
  const attacks = threats().map(([attack]) => attack);
  expect(attacks.length).toBeGreaterThan(20);
  expect(new Set(attacks).size).toBe(attacks.length);
});

test.for(threats())("the tests that prove '%s' stopped are in the repository", ([, cell]) => {
  const named = testsIn(cell);
  expect(named.length).toBeGreaterThan(0);
  for (const [file, name] of named) {
    const url = new URL(file, ROOT);
    expect(existsSync(url), file).toBe(true);
    expect(titlesIn(readFileSync(url, "utf8")), `${file}: ${name}`).toContain(name);
  }
});

/** All texts in a file that could be a test's title. */
function titlesIn(source: string): readonly string[] {
  const texts = source.matchAll(/"((?:[^"\\\n]|\\.)+)"|`([^`]+)`/g);
  return [...texts].map(([, quoted = "", template = ""]) => (quoted + template).replace(/\$\{WHY\}$/, ""));
}
