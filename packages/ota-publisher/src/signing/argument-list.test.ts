import fc from "fast-check";
import { expect, test } from "vitest";
import { splitCommand } from "./argument-list.ts";

test.for([
  ["openssl dgst -sha256", ["openssl", "dgst", "-sha256"]],
  ["  a \t b\n", ["a", "b"]],
  ["sh -c 'exec \"$0\"; rm x'", ["sh", "-c", 'exec "$0"; rm x']],
  ['"C:\\Program Files\\hsm.exe" /k:"my key"', ["C:\\Program Files\\hsm.exe", "/k:my key"]],
  ["a '' \"\"", ["a", "", ""]],
  ["a $HOME `id` *; b", ["a", "$HOME", "`id`", "*;", "b"]],
] as const)("%j is split without a shell", ([text, words]) => {
  expect(splitCommand(text, "--sign-command")).toEqual(words);
});

test.for(["", "  ", "''", "a 'b", 'a "b'])("%j is no command", (text) => {
  expect(() => splitCommand(text, "--sign-command")).toThrow(
    expect.objectContaining({ code: "arguments/invalid", details: { option: "--sign-command" } }),
  );
});

test("words that are quoted come out as they went in", () => {
  const word = fc.string({ minLength: 1 }).filter((text) => !text.includes("'"));
  fc.assert(
    fc.property(fc.array(word, { minLength: 1 }), (words) => {
      expect(splitCommand(words.map((it) => `'${it}'`).join(" "), "x")).toEqual(words);
    }),
  );
});
