import fc from "fast-check";
import { expect, test } from "vitest";
import { InterimAnswers } from "./interim-answers.ts";

const FINAL = "HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n";

function strip(text: string, cuts: readonly number[]): string {
  const interim = new InterimAnswers();
  interim.begin();
  const places = [0, ...cuts.map((cut) => cut % text.length).sort((a, b) => a - b), text.length];
  return places
    .slice(1)
    .map((end, index) => interim.strip(Buffer.from(text.slice(places[index], end))).toString())
    .join("");
}

test("interim answers go, and every byte of the final answer stays, however they are cut into pieces", () => {
  const interim = fc.constantFrom("100 Continue", "102 Processing", "103 Early Hints\r\nlink: </a>; rel=preload");
  fc.assert(
    fc.property(fc.array(interim, { maxLength: 4 }), fc.array(fc.nat(), { maxLength: 20 }), (answers, cuts) => {
      const before = answers.map((answer) => `HTTP/1.1 ${answer}\r\n\r\n`).join("");
      expect(strip(before + FINAL, cuts)).toBe(FINAL);
    }),
  );
});

test("passes an answer of 101, one without an end, and bytes that are not HTTP", () => {
  for (const text of ["HTTP/1.1 101 Switching\r\n\r\n", "nonsense", `HTTP/1.1 100 ${"x".repeat(20_000)}`]) {
    expect(strip(text, [])).toBe(text);
  }
});
