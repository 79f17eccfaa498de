import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { expect, test } from "vitest";
import { generate } from "../../../scripts/generate-schemas.ts";

test("the committed types, validators and reference page equal the schemas' output", async () => {
  const outputs = await generate();
  const names = outputs.map(({ file }) => basename(file));
  expect(names.toSorted()).toEqual([
    "document-validators.generated.ts",
    "journal-validators.generated.ts",
    "manifest-validators.generated.ts",
    "manifest.md",
    "message-validators.generated.ts",
    "pattern-words.generated.ts",
    "types.generated.ts",
  ]);
  for (const { file, text } of outputs) {
    expect(existsSync(file), file).toBe(true);
    expect(readFileSync(file, "utf8") === text, `${file} is stale: run \`pnpm generate\``).toBe(true);
  }
});

test("the validators need nothing at run time", async () => {
  const validators = (await generate()).filter(({ file }) => file.endsWith("validators.generated.ts"));
  const text = validators.map((file) => file.text).join("\n");
  expect(text).toContain("export const validateRootManifest: SchemaValidator<RootManifest> =");
  const imports = text.match(/^import .*$|\brequire\(.*$/gm) ?? [];
  expect(imports.filter((line) => !line.startsWith("import type"))).toEqual([]);
});
