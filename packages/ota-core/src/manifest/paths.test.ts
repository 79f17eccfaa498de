import { expect, test } from "vitest";
import { nearestOf } from "./nearest.ts";
import { nameFault, pathFault } from "./paths.ts";

test.for(["versions/1.0.0/ota.json", "./ota.json", "a//b", "", ".", "..a/b..", "…/ü.bin", "console.bin"])(
  "the path %j stays below its folder",
  (path) => {
    expect(pathFault(path)).toBeUndefined();
  },
);

test.for([
  "../x",
  "a/../../x",
  "a/..",
  "..",
  "/etc/passwd",
  "C:/x",
  "c:x",
  "a\\..\\x",
  "\\\\host\\share",
  "a\0b",
  "a/CON",
  "nul.bin",
  "COM1.txt/x",
  "a/CON .txt",
  "CONIN$",
  ".. /x",
  "a/.../x",
  "a/ ",
  "https://host/x.bin",
])("the path %j is refused", (path) => {
  expect(pathFault(path)).toBeTypeOf("string");
});

test.for(["1.0.0", "v1.2.3+build.5-dirty", "TinyBMS Web Gateway-1.0.0.bin", "1_0", "ünïcode", "...a", "x".repeat(128)])(
  "%j can be the name of a file",
  (name) => {
    expect(nameFault(name)).toBeUndefined();
  },
);

test.for([
  "",
  ".",
  "..",
  "a/b",
  "a\\b",
  "a\0",
  "a\nb",
  "C:",
  "a*",
  "a.",
  "a ",
  " a",
  "nul",
  "LPT1.bin",
  "x".repeat(129),
])("%j can't be the name of a file", (name) => {
  expect(nameFault(name)).toBeTypeOf("string");
});

test.for([
  ["1.0.1", ["1.0.0", "2.3.4"], "1.0.0"],
  ["v1.0.0", ["0.9.0", "1.0.0"], "1.0.0"],
  ["1.0.0", [], undefined],
  ["banana", ["1.0.0"], undefined],
  ["x".repeat(1000), ["x".repeat(999)], undefined],
] as const)("nearest to %j of %j is %j", ([text, candidates, nearest]) => {
  expect(nearestOf(text, candidates)).toBe(nearest);
});
