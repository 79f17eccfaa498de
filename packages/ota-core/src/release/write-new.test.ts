import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { utf8 } from "../bytes.ts";
import { writeNewFile, writeNewFolder } from "./write-new.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-write-new-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const exists = expect.objectContaining({ code: "EEXIST" });

test("a new file is complete, has its permissions and is never overwritten", async () => {
  const file = join(folder, "nvs.bin");
  await writeNewFile(file, utf8("first"), 0o600);
  await expect(writeNewFile(file, utf8("second"), 0o600)).rejects.toEqual(exists);
  expect(readFileSync(file, "utf8")).toBe("first");
  if (process.platform !== "win32") expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(["nvs.bin"]);
});

test("of two concurrent writers of one file, exactly one succeeds", async () => {
  const file = join(folder, "nvs.bin");
  const results = await Promise.allSettled(["a", "b"].map((text) => writeNewFile(file, utf8(text), 0o600)));
  expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  expect(readdirSync(folder)).toEqual(["nvs.bin"]);
});

test("a new folder is complete or absent", async () => {
  const target = join(folder, "a", "fleet");
  const fails = writeNewFolder(target, async (place) => {
    writeFileSync(join(place, "one"), "1");
    throw new Error("no room");
  });
  await expect(fails).rejects.toThrow("no room");
  expect(readdirSync(join(folder, "a"))).toEqual([]);
  await writeNewFolder(target, async (place) => writeFileSync(join(place, "one"), "1"));
  expect(readdirSync(target)).toEqual(["one"]);
  await expect(writeNewFolder(target, async () => undefined)).rejects.toEqual(exists);
  expect(readdirSync(join(folder, "a"))).toEqual(["fleet"]);
});

test("an empty folder is filled, and a file in its place is refused", async () => {
  const target = join(folder, "fleet");
  mkdirSync(target);
  await writeNewFolder(target, async (place) => writeFileSync(join(place, "one"), "1"));
  expect(readdirSync(target)).toEqual(["one"]);
  await expect(writeNewFolder(join(target, "one"), async () => undefined)).rejects.toThrow(/ENOTDIR|EEXIST/);
  expect(readFileSync(join(target, "one"), "utf8")).toBe("1");
});
