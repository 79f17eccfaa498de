import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const ROOT = new URL("..", import.meta.url);
const PACKAGES = readdirSync(new URL("packages/", ROOT)).map((name) => `packages/${name}`);

/** Names of one kind of dependency, those of this workspace left out. */
function dependenciesOf(folder: string, kind: string): string[] {
  const manifest = JSON.parse(readFileSync(new URL(`${folder}/package.json`, ROOT), "utf8"));
  return Object.keys(manifest[kind] ?? {}).filter((name) => !name.startsWith("@tinybms/"));
}

test("docs/dependencies.md names each dependency once, where it is used, and no other", () => {
  const text = readFileSync(new URL("docs/dependencies.md", ROOT), "utf8");
  const rows = text.split("\n").filter((line) => line.startsWith("| `"));
  const listed = rows.map((row) => row.split("|").map((cell) => cell.trim()));

  const atRunTime = new Map<string, string[]>();
  for (const folder of [...PACKAGES, "firmware-sim"]) {
    for (const kind of ["dependencies", "optionalDependencies", "peerDependencies"]) {
      for (const name of dependenciesOf(folder, kind)) {
        atRunTime.set(name, [...(atRunTime.get(name) ?? []), folder.replace("packages/", "")]);
      }
    }
  }
  const runTimeRows = listed.filter((cells) => cells.length === 6);
  expect(new Map(runTimeRows.map(([, name, where]) => [name?.slice(1, -1), where?.split(", ").sort()]))).toEqual(
    new Map([...atRunTime].map(([name, where]) => [name, where.sort()])),
  );

  const developed = listed.filter((cells) => cells.length === 5).map(([, name]) => name?.slice(1, -1));
  const all = [".", ...PACKAGES, "firmware-sim"].flatMap((folder) => dependenciesOf(folder, "devDependencies"));
  const expected = [...new Set(all)].filter((name) => !atRunTime.has(name));
  expect(developed.sort()).toEqual(expected.sort());
});
