import { expect, test } from "vitest";
import { tableLines } from "./table.ts";

test("pads every column to its widest cell and leaves no spaces at the end of a line", () => {
  expect(
    tableLines(
      ["name", "size", "note"],
      [
        ["a", "1000", ""],
        ["long name", "7", "x"],
      ],
      { alignments: ["left", "right"] },
    ),
  ).toEqual(["name       size  note", "a          1000", "long name     7  x"]);
});

test("styles cells after they are padded, and removes terminal sequences from them before", () => {
  const paint = (cell: string, row: number, column: number) => (row === 0 && column === 0 ? `<${cell}>` : cell);
  expect(tableLines(["n", "s"], [["\u001b[31mred", "1"]], { paint })).toEqual(["n    s", "<red>  1"]);
});

test("formats more rows than a call has arguments", () => {
  expect(
    tableLines(
      ["n"],
      Array.from({ length: 200_000 }, () => ["1"]),
    ),
  ).toHaveLength(200_001);
});
