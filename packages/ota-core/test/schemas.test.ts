import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { expect, test } from "vitest";
import { generate } from "../../../scripts/generate-schemas.ts";

test("the committed types, validators and reference page are what the schemas make", async () => {
  const outputs = await generate();
  const names = outputs.map(({ file }) => basename(file));
  expect(names.toSorted()).toEqual(["manifest.md", "types.generated.ts", "validators.generated.ts"]);
  for (const { file, text } of outputs) {
    expect(existsSync(file), file).toBe(true);
    expect(readFileSync(file, "utf8") === text, `${file} is stale: run \`pnpm generate\``).toBe(true);
  }
});

test("the validators need nothing at run time", async () => {
  const validators = (await generate()).find(({ file }) => file.endsWith("validators.generated.ts"));
  expect(validators?.text).toContain("export const validateRootManifest: SchemaValidator<RootManifest> =");
  const imports = validators?.text.match(/^import .*$|\brequire\(.*$/gm) ?? [];
  expect(imports.filter((line) => !line.startsWith("import type"))).toEqual([]);
});
