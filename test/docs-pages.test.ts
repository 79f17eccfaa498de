/** The pages for readers: what they mention exists, and every page can be reached. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";
import { documentedCommands } from "../scripts/generate-cli-reference.ts";

const ROOT = resolve(import.meta.dirname, "..");
const PATTERNS = ["*.md", "docs/**/*.md", "packages/*/README.md", "firmware-sim/README.md", "examples/*.md"];

interface Page {
  readonly path: string;
  readonly text: string;
}

const PAGES: readonly Page[] = PATTERNS.flatMap((pattern) => globSync(pattern, { cwd: ROOT })).map((path) => ({
  path: path.replaceAll("\\", "/"),
  text: readFileSync(join(ROOT, path), "utf8"),
}));

/** Options of other programs that the pages mention. */
const OTHER_OPTIONS: readonly string[] = [
  "--after",
  "--conditions",
  "--erase-all",
  "--inputkey",
  "--pad-to-size",
  "--python",
  "--save-dev",
];

const codeOf = (text: string): readonly string[] => {
  const blocks = [...text.matchAll(/^```\w*\n(.*?)^```/gms)].flatMap(([, block = ""]) => block.split("\n"));
  const spans = [...text.replaceAll(/^```.*?^```/gms, "").matchAll(/`([^`\n]+)`/g)].map(([, span = ""]) => span);
  return [...blocks.map((line) => line.replace(/\s+# .*/, "")), ...spans];
};

const optionsIn = (text: string): readonly string[] =>
  [...text.matchAll(/(?<![\w-])--[a-z][a-z-]*[a-z]/g)].map(([option]) => option);

test("every command and option that a page mentions exists", async () => {
  const commands = (await documentedCommands()).map(({ words, help }) => ({ name: words.join(" "), help }));
  const all = new Set([...OTHER_OPTIONS, ...commands.flatMap(({ help }) => optionsIn(help))]);
  const unknown: string[] = [];
  for (const { path, text } of PAGES) {
    for (const code of codeOf(text)) {
      const call =
        /^(?:npx |(?:\.\/|\.\.\/tinybms-ota\/))?(tinybms-(?:ota|sim)(?: +[a-z][a-z-]*)+)(?![\w/.:=])(.*)/.exec(code);
      const words = call?.[1]?.split(/ +/) ?? [];
      const command = commands.findLast(({ name }) => `${words.join(" ")} `.startsWith(`${name} `));
      if (call !== null && command?.name.includes(" ") !== true) unknown.push(`${path}: ${code}`);
      const known = command === undefined || call === null ? all : new Set(optionsIn(command.help));
      for (const option of optionsIn(call?.[2] ?? (code.startsWith("--") ? code : ""))) {
        if (!known.has(option)) unknown.push(`${path}: ${option} in ${code}`);
      }
    }
  }
  expect(unknown).toEqual([]);
});

test("no page has a line of more than 200 characters outside tables", () => {
  const long = PAGES.flatMap(({ path, text }) =>
    text
      .split("\n")
      .flatMap((line, index) => (line.length > 200 && !line.startsWith("|") ? [`${path}:${index + 1}`] : [])),
  );
  expect(long).toEqual([]);
});

test("every link between pages leads to a file, and every page is linked from another", () => {
  const links = PAGES.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\(([^)#\s:]+)(?:#[^)]*)?\)/g)].map(([, target = ""]) => ({
      from: path,
      to: relative(ROOT, resolve(ROOT, dirname(path), target)).replaceAll("\\", "/"),
    })),
  );
  expect(links.filter(({ to }) => !existsSync(join(ROOT, to)))).toEqual([]);
  const linked = new Set(links.filter(({ from, to }) => from !== to).flatMap(({ to }) => [to, `${to}/README.md`]));
  const unlinked = PAGES.map(({ path }) => path).filter((path) => path !== "README.md" && !linked.has(path));
  expect(unlinked.filter((path) => path !== "CHANGELOG.md")).toEqual([]);
});
