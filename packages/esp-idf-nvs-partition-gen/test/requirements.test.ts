import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const pinsOf = (file: string): Set<string> => {
  const text = readFileSync(new URL(file, import.meta.url), "utf8").replace(/^#.*\n/gm, "");
  return new Set(text.split(/\n(?=\S)/).map((pin) => pin.trim()));
};

test("the package installs the same releases and hashes as the tests of this repository, and no other", () => {
  const pins = pinsOf("../requirements.txt");
  expect([...pins].some((pin) => pin.startsWith("esp-idf-nvs-partition-gen=="))).toBe(true);
  expect([...pins].filter((pin) => !/--hash=sha256:[0-9a-f]{64}/.test(pin))).toEqual([]);
  const tested = pinsOf("../../../scripts/python-tools.txt");
  expect([...pins].filter((pin) => !tested.has(pin))).toEqual([]);
});
