import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createReleaseLine, IMAGE, type ReleaseLine, runCommand } from "./release-line.ts";

let line: ReleaseLine;

beforeEach(() => {
  line = createReleaseLine();
});

afterEach(() => line.remove());

const hintOf = async (args: readonly string[]): Promise<string> => {
  const { exitCode, stderr } = await runCommand(args);
  expect(exitCode).not.toBe(0);
  return /^hint: (.*)$/m.exec(stderr)?.[1] ?? "";
};

const file = (name: string, bytes: Uint8Array | string): string => {
  const path = join(line.folder, name);
  writeFileSync(path, bytes);
  return path;
};

async function keygen(name: string): Promise<string> {
  const key = join(line.folder, name);
  expect((await runCommand(["keygen", "--out", key])).exitCode).toBe(0);
  return key;
}

test("says to build a truncated image again, and that a key set is not for sign", async () => {
  const key = await keygen("release.pem");
  expect(await hintOf(["sign", file("torn.bin", IMAGE.subarray(0, 9000)), "--sign-key", key])).toContain(
    "idf.py build",
  );
  expect(await hintOf(["sign", file("1.json", "{}"), "--sign-key", key])).toContain("the commands that create them");
});

test("hints at a misspelled --keys folder, and at signing a pending set", async () => {
  await line.run(["package", "--binary", line.binary, "--update-manifest"]);
  const deploy = ["deploy", "--version", "1.2.3", "--manifest", line.manifest, "--dry-run", "--keys"];
  const keys = join(line.folder, "keys");
  expect(await hintOf([...deploy, keys])).toContain("check --keys");
  const root = await keygen("root.pem");
  await runCommand(["keys", "init", "--product", "gateway", "--root", `${root}.pub`, "--keys", keys]);
  expect(await hintOf([...deploy, keys])).toContain("keys sign");
  // What the hint says ends the fault.
  expect((await runCommand(["keys", "sign", "--sign-key", root, "--keys", keys])).exitCode).toBe(0);
  expect(await hintOf([...deploy, keys])).toContain("--sign-key");
});

test("names a version that is nearly the given one; without any, package adds it", async () => {
  const deploy = (version: string) => hintOf(["deploy", "--version", version, "--manifest", line.manifest]);
  expect(await deploy("1.2.3")).toContain("package --update-manifest");
  await line.run(["package", "--binary", line.binary, "--update-manifest"]);
  expect(await deploy("1.2.4")).toBe("did you mean 1.2.3?");
});

test("names the right command for a folder without keys, and for init in one with keys", async () => {
  const keys = join(line.folder, "keys");
  const root = await keygen("root.pem");
  expect(await hintOf(["keys", "add", `${root}.pub`, "--role", "offer", "--keys", keys])).toContain("keys init");
  mkdirSync(keys);
  const init = ["keys", "init", "--product", "gateway", "--root", `${root}.pub`, "--keys", keys];
  expect((await runCommand(init)).exitCode).toBe(0);
  expect(await hintOf(init)).toContain("keys add, revoke, rotate");
  expect(await hintOf(["keygen", "--out", root])).toContain("choose another name");
});
