import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { cliReference, documentedCommands } from "../scripts/generate-cli-reference.ts";

test("docs/cli-reference.md is what the commands print as their help", async () => {
  const page = readFileSync(new URL("../docs/cli-reference.md", import.meta.url), "utf8");
  expect(page).toBe(await cliReference());
});

test("the reference has every command and subcommand", async () => {
  const commands = (await documentedCommands()).map(({ words }) => words.join(" "));
  expect(commands).toContain("tinybms-ota keys rotate");
  expect(commands).toContain("tinybms-sim power-cut");
  expect(new Set(commands).size).toBe(commands.length);
});
