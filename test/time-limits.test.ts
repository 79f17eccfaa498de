import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FOLDERS = "{packages/*,firmware-sim,.}/{src,test}/**/*.test.ts";

test("no test has a time limit of its own: a limit ends hangs, and the one in vitest.config.ts does", () => {
  const files = globSync(FOLDERS, { cwd: ROOT, exclude: ["**/node_modules/**"] });
  const limits = /\btimeout: \d{1,3}_000\b(?<!600_000)|^\}, \d[\d_]*\);$|^ {2}\d[\d_]{4,},$/gm;
  const found = files.flatMap((file) =>
    [...readFileSync(`${ROOT}/${file}`, "utf8").matchAll(limits)].map(([text]) => `${file}: ${text.trim()}`),
  );
  expect(files.length).toBeGreaterThan(200);
  expect(found).toEqual([]);
});
