/** Runs the demo as a newcomer does. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

test("the demo ends as told, and names what exists", async () => {
  const args = ["--conditions=@tinybms/source", join(ROOT, "scripts/demo/demo.ts")];
  // It exits 1 and says "This is not how it should end" where a device ends otherwise.
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(stdout).toContain("\nAs told, in ");

  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const next = stdout.slice(stdout.indexOf("\nNext:"));
  const commands = [...next.matchAll(/pnpm@12 (?:-s )?(\S+)/g)].map(([, name]) => name);
  expect(commands).toEqual(["demo", "tinybms-ota", "tinybms-sim"]);
  for (const name of commands) expect(scripts).toHaveProperty(name ?? "");
  const paths = next.match(/\S+\.md|\.\/\S+/g) ?? [];
  expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});
