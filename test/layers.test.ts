import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { folderOf, importsOf, LAYERS, withLayerTables } from "../scripts/layers.ts";

test.for(Object.entries(LAYERS))("%s: every import leads into the same folder or a lower layer", ([name, layers]) => {
  const layerOf = (folder: string): number => layers.findIndex((layer) => layer.includes(folder));
  const imports = importsOf(name);
  const isWrong = ({ from, to }: { readonly from: string; readonly to: string }): boolean => {
    const [source, target] = [folderOf(name, from), folderOf(name, to)];
    if (layerOf(source) < 0 || layerOf(target) < 0) return true;
    return source !== target && layerOf(source) >= layerOf(target);
  };
  expect(imports.length).toBeGreaterThan(0);
  expect(imports.filter(isWrong)).toEqual([]);
});

test.for(Object.keys(LAYERS))("%s: no files import each other in a circle, types included", (name) => {
  const imports = importsOf(name);
  const visited = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const start = path.indexOf(file);
    if (start >= 0) expect.fail([...path.slice(start), file].join(" → "));
    if (visited.has(file)) return;
    visited.add(file);
    path.push(file);
    for (const { from, to } of imports) if (from === file) visit(to);
    path.pop();
  };
  for (const { from } of imports) visit(from);
});

test("docs/architecture.md shows the layers as they are", () => {
  const page = readFileSync(new URL("../docs/architecture.md", import.meta.url), "utf8");
  expect(page).toContain("| layer | folder | imports from |");
  expect(withLayerTables(page)).toBe(page);
});
