import { join, sep } from "node:path";
import { expect, test } from "vitest";
import { treeOf } from "./file-tree.ts";

const tree = (...paths: string[]): string =>
  treeOf(paths.map((path, index) => ({ path: path.replaceAll("/", sep), note: `note ${index}` })))
    .join("\n")
    .replaceAll(sep, "/");

test("files are shown below the folder that they share", () => {
  expect(tree("ota/versions/1.0/app.bin", "ota/versions/1.0/ota.json", "ota/manifest.json")).toBe(
    `ota/
├─ versions/
│  └─ 1.0/
│     ├─ app.bin  (note 0)
│     └─ ota.json  (note 1)
└─ manifest.json  (note 2)`,
  );
});

test("shows a single file in its folder, also in the current one", () => {
  expect(tree("manifest.json")).toBe("./\n└─ manifest.json  (note 0)");
  expect(tree("/tmp/x/manifest.json")).toBe("/tmp/x/\n└─ manifest.json  (note 0)");
});

test("files without a folder in common are shown from the top", () => {
  const [first = ""] = treeOf([
    { path: join(sep, "a", "b"), note: "" },
    { path: join(sep, "c", "d"), note: "" },
  ]);
  expect(first.startsWith(sep)).toBe(true);
});
