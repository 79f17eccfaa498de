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

test("an image that is cut off is to be built again, and a key set is not for sign", async () => {
  const key = await keygen("release.pem");
  expect(await hintOf(["sign", file("torn.bin", IMAGE.subarray(0, 9000)), "--sign-key", key])).toContain(
    "idf.py build",
  );
  expect(await hintOf(["sign", file("1.json", "{}"), "--sign-key", key])).toContain("the commands that create them");
});

test("a --keys folder without key sets may be misspelled, and one with a pending set is to be signed", async () => {
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

test("a version that is almost there is named, and where there is none package adds it", async () => {
  const deploy = (version: string) => hintOf(["deploy", "--version", version, "--manifest", line.manifest]);
  expect(await deploy("1.2.3")).toContain("package --update-manifest");
  await line.run(["package", "--binary", line.binary, "--update-manifest"]);
  expect(await deploy("1.2.4")).toBe("did you mean 1.2.3?");
});

test("keys in a folder that has none, and init in one that has some, name the command that fits", async () => {
  const keys = join(line.folder, "keys");
  const root = await keygen("root.pem");
  expect(await hintOf(["keys", "add", `${root}.pub`, "--role", "offer", "--keys", keys])).toContain("keys init");
  mkdirSync(keys);
  const init = ["keys", "init", "--product", "gateway", "--root", `${root}.pub`, "--keys", keys];
  expect((await runCommand(init)).exitCode).toBe(0);
  expect(await hintOf(init)).toContain("keys add, revoke, rotate");
  expect(await hintOf(["keygen", "--out", root])).toContain("choose another name");
});
