import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { utf8 } from "../bytes.ts";
import { writeFileAtomically, writePiecesAtomically } from "./write-atomically.ts";

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-write-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const listing = (): Record<string, string> =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]));

test("a file is created and replaced whole", async () => {
  await writeFileAtomically(join(folder, "a"), utf8("old"));
  await writeFileAtomically(join(folder, "a"), utf8("new"));
  await writePiecesAtomically(join(folder, "b"), [utf8("pie"), utf8(""), utf8("ces")]);
  expect(listing()).toEqual({ a: "new", b: "pieces" });
});

test("until the last piece is written, only the old file has the name", async () => {
  const file = join(folder, "a");
  writeFileSync(file, "old");
  let names: string[] = [];
  await writePiecesAtomically(file, [utf8("new")], () => {
    expect(readFileSync(file, "utf8")).toBe("old");
    names = readdirSync(folder);
  });
  expect(names.length).toBe(2);
  expect(listing()).toEqual({ a: "new" });
});

test("pieces that fail in the middle, or are not accepted, leave the old file and no other", async () => {
  const file = join(folder, "a");
  writeFileSync(file, "old");
  const torn = async function* (): AsyncGenerator<Uint8Array> {
    yield utf8("ne");
    throw new Error("source is gone");
  };
  await expect(writePiecesAtomically(file, torn())).rejects.toThrow("source is gone");
  const refuse = (): never => {
    throw new Error("not this one");
  };
  await expect(writePiecesAtomically(file, [utf8("new")], refuse)).rejects.toThrow("not this one");
  expect(listing()).toEqual({ a: "old" });
});

test("a missing folder is the caller's fault and leaves nothing", async () => {
  await expect(writeFileAtomically(join(folder, "no", "a"), utf8("x"))).rejects.toMatchObject({ code: "ENOENT" });
  expect(listing()).toEqual({});
});
