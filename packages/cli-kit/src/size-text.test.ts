import { expect, test } from "vitest";
import { sizeText } from "./size-text.ts";

test.for([
  [0, "0 B"],
  [999, "999 B"],
  [1_000, "1.0 kB"],
  [65_536, "65.5 kB"],
  [999_949, "999.9 kB"],
  [999_950, "1.0 MB"],
  [1_284_976, "1.3 MB"],
] as const)("writes %i bytes as %s", ([bytes, text]) => {
  expect(sizeText(bytes)).toBe(text);
});
