/** Runs the demo as a newcomer does. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

test("the demo ends as told, and names what exists", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tinybms-demo-test-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const page = join(folder, "demo.html");
  const args = ["--conditions=@tinybms/source", join(ROOT, "scripts/demo/demo.ts"), "--html", page];
  // It exits 1 and says "This is not how it should end" where a device ends otherwise.
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(stdout).toContain("\nAs told, in ");

  const html = await readFile(page, "utf8");
  expect(html).toContain("ends as told");
  for (const name of ["publishers", "bench-1", "bench-2", "bench-3"]) expect(html).toContain(`"name":"${name}"`);

  const next = stdout.slice(stdout.indexOf("\nNext:"));
  const paths = next.match(/\.\/\S+|docs\/\S+/g);
  expect(paths).toEqual(["./tinybms-ota", "./tinybms-sim", "docs/README.md"]);
  expect(paths?.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});
