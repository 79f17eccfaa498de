import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PAGE = readFileSync(`${ROOT}/CONTRIBUTING.md`, "utf8");

test("CONTRIBUTING.md names only files and folders that exist", () => {
  const paths = [...PAGE.matchAll(/`((?:packages|firmware-sim|schemas|scripts|docs|test)\/[\w./-]+)`/g)].map(
    ([, path = ""]) => path,
  );
  expect(paths.length).toBeGreaterThan(30);
  expect(paths.filter((path) => !existsSync(`${ROOT}/${path}`))).toEqual([]);
});

test("CONTRIBUTING.md names only scripts that package.json has", () => {
  const { scripts } = JSON.parse(readFileSync(`${ROOT}/package.json`, "utf8"));
  const named = [...PAGE.matchAll(/pnpm@12 ([a-z:]+)/g)].map(([, name = ""]) => name);
  expect(named.filter((name) => name !== "install" && !(name in scripts))).toEqual([]);
});
