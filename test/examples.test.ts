import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** How each example is run, and what it must say. */
const EXAMPLES: Readonly<Record<string, { readonly args: readonly string[]; readonly says: RegExp }>> = {
  "package-and-deliver.ts": { args: [], says: /^delivered: bench-1 is confirmed with 2\.0\.0\n$/ },
  "parse-image.ts": {
    args: ["ota/versions/1.0.0/tinybms-gateway-1.0.0.bin"],
    says: /^tinybms-gateway 1\.0\.0, built with ESP-IDF v5\.5\nfor esp32, 8192 bytes in \d+ segments\n$/,
  },
};

const run = (file: string, ...args: readonly string[]) =>
  spawnSync(process.execPath, ["--conditions=@tinybms/source", `examples/${file}`, ...args], {
    cwd: ROOT,
    encoding: "utf8",
  });

test("every example runs here, in tests of its own or of the README, or in check-packages.ts", () => {
  const isElsewhere = /^sign-.*\.sh$|\.test\.ts$|^my-app\.json$|^receiver-python$|^release-in-ci$/;
  const names = readdirSync(new URL("../examples", import.meta.url)).filter((name) => !isElsewhere.test(name));
  expect(names.sort()).toEqual(Object.keys(EXAMPLES).sort());
});

test.for(Object.entries(EXAMPLES))("examples/%s runs", ([file, { args, says }]) => {
  const { status, stdout, stderr } = run(file, ...args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toMatch(says);
});

test("examples/parse-image.ts reads an image of its own making without a file, and refuses what is none", () => {
  expect(run("parse-image.ts").stdout).toMatch(/^gateway 1\.2\.3, .*\nfor esp32s3, 40000 bytes/);
  const refused = run("parse-image.ts", "package.json");
  expect(refused).toMatchObject({ status: 2, stdout: "", stderr: expect.stringMatching(/^image\/bad-magic: /) });
});
