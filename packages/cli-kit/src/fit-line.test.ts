import { expect, test } from "vitest";
import { fitLine } from "./fit-line.ts";

test("cuts only lines that are too wide, and says so by an ellipsis", () => {
  expect(fitLine("12345678", 8)).toBe("12345678");
  expect(fitLine("123456789", 8)).toBe("1234567…");
  expect(fitLine("1234567😀9", 8)).toBe("1234567…");
});
