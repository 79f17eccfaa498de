import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { utf8 } from "../bytes.ts";
import { prepareFile, removeLeftovers, temporaryPathOf, writeFileAtomically } from "./write-atomically.ts";

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-write-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const listing = (): Record<string, string> =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]));

test("a file is created and replaced atomically", async () => {
  await writeFileAtomically(join(folder, "a"), utf8("old"));
  await writeFileAtomically(join(folder, "a"), utf8("new"));
  expect(listing()).toEqual({ a: "new" });
});

test("a prepared file has no effect before its commit, and a discarded one is removed", async () => {
  const file = join(folder, "a");
  writeFileSync(file, "old");
  const prepared = await prepareFile(file, undefined, (temporary) => writeFile(temporary, "new"));
  expect(readdirSync(folder).length).toBe(2);
  expect(readFileSync(file, "utf8")).toBe("old");
  await prepared.discard();
  expect(listing()).toEqual({ a: "old" });
  await (await prepareFile(file, undefined, (temporary) => writeFile(temporary, "new"))).commit();
  expect(listing()).toEqual({ a: "new" });
});

test("a failed write leaves only the old file", async () => {
  const file = join(folder, "a");
  writeFileSync(file, "old");
  const torn = async (temporary: string): Promise<void> => {
    await writeFile(temporary, "ne");
    throw new Error("source is gone");
  };
  await expect(prepareFile(file, undefined, torn)).rejects.toThrow("source is gone");
  const prepared = await prepareFile(join(folder, "b"), undefined, (temporary) => writeFile(temporary, "new"));
  mkdirSync(join(folder, "b", "in-its-way"), { recursive: true });
  await expect(prepared.commit()).rejects.toMatchObject({ code: expect.stringMatching(/^E/) });
  rmSync(join(folder, "b"), { recursive: true });
  expect(listing()).toEqual({ a: "old" });
});

test("a missing folder is an error and leaves nothing behind", async () => {
  await expect(writeFileAtomically(join(folder, "no", "a"), utf8("x"))).rejects.toMatchObject({ code: "ENOENT" });
  expect(listing()).toEqual({});
});

test("temporary files are removed if and only if their process is certainly dead", async () => {
  const dead = spawnSync(process.execPath, ["-e", "0"]).pid;
  const ours = basename(temporaryPathOf(join(folder, "a")));
  const [, realm] = /\.([0-9a-f]{12})-/.exec(ours) ?? [];
  const other = "0123456789ab"; // another machine
  const names = {
    ours,
    dead: `.a.${realm}-${dead}-1-abcdefgh.tmp`,
    elsewhere: `.a.${other}-${dead}-1-abcdefgh.tmp`,
    alive: `.a.${realm}-${process.ppid}-0-abcdefgh.tmp`,
    foreign: ".a.tmp",
    plain: "a",
  };
  for (const name of Object.values(names)) writeFileSync(join(folder, name), "x");
  await removeLeftovers(folder);
  const { dead: _gone, ...kept } = names;
  expect(readdirSync(folder).sort()).toEqual(Object.values(kept).sort());
});

test.skipIf(process.platform !== "linux")("a reused process id does not keep a temporary file", async () => {
  const ours = basename(temporaryPathOf(join(folder, "a")));
  writeFileSync(join(folder, ours.replace(/-\d+-([0-9a-z]{8}\.tmp)$/, "-1-$1")), "x");
  await removeLeftovers(folder);
  expect(listing()).toEqual({});
});
