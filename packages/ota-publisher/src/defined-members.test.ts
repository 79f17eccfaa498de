import { expect, test } from "vitest";
import { definedMembers } from "./defined-members.ts";

test("keeps every value except undefined", () => {
  const members = { a: undefined, b: null, c: 0, d: "", e: false };
  expect(Object.entries(definedMembers(members))).toEqual([
    ["b", null],
    ["c", 0],
    ["d", ""],
    ["e", false],
  ]);
});

test("leaves its argument as it is", () => {
  const members = { a: undefined, b: 1 };
  definedMembers(members);
  expect(Object.keys(members)).toEqual(["a", "b"]);
});
