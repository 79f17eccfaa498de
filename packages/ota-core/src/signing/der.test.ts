import fc from "fast-check";
import { expect, test } from "vitest";
import { fromHex, toHex } from "../bytes.ts";
import { readDer, readIntegerPair, readOnlyDer } from "./der.ts";

const bytesOf = (hex: string): Uint8Array => fromHex(hex.replaceAll(" ", ""))!;

test("an element is parsed with the bytes after it", () => {
  expect(readDer(bytesOf("04 02 aabb cc"))).toEqual({ tag: 4, content: bytesOf("aabb"), rest: bytesOf("cc") });
  const long = bytesOf(`04 82 0100 ${"00".repeat(256)}`);
  expect(readDer(long)?.content).toHaveLength(256);
});

test.for([
  ["nothing", ""],
  ["a tag alone", "30"],
  ["an indefinite length", "30 80 0000"],
  ["a length in one byte too many", "04 81 02 aabb"],
  ["a length in two bytes where one would do", "04 82 0002 aabb"],
  ["a length of three bytes", "04 83 000001 aa"],
  ["a length that breaks off", "04 82 01"],
  ["less than its length says", "04 03 aabb"],
] as const)("refuses %s as DER", ([, hex]) => {
  expect(readDer(bytesOf(hex))).toBeUndefined();
});

test("bytes after the only element, or another tag, are refused", () => {
  expect(readOnlyDer(bytesOf("05 00 00"), 5)).toBeUndefined();
  expect(readOnlyDer(bytesOf("05 00"), 6)).toBeUndefined();
});

test.for([
  ["a negative number", "30 06 0201 80 0201 01"],
  ["a leading zero that says nothing", "30 07 0202 0001 0201 01"],
  ["zero", "30 06 0201 00 0201 01"],
  ["an empty number", "30 05 0200 0201 01"],
  ["one number", "30 03 0201 01"],
  ["three numbers", "30 09 0201 01 0201 01 0201 01"],
  ["a byte behind", "30 06 0201 01 0201 01 00"],
] as const)("refuses a pair with %s", ([, hex]) => {
  expect(readIntegerPair(bytesOf(hex))).toBeUndefined();
});

test("a pair is parsed without its sign bytes", () => {
  expect(readIntegerPair(bytesOf("30 07 0202 0080 0201 7f"))?.map(toHex)).toEqual(["80", "7f"]);
});

test("any bytes give an element or undefined, and content and rest are views of them", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const element = readDer(bytes);
      if (element === undefined) return;
      const { content, rest } = element;
      expect(toHex(bytes).endsWith(toHex(content) + toHex(rest))).toBe(true);
      expect(bytes.length - content.length - rest.length).toBeOneOf([2, 3, 4]);
    }),
  );
});
