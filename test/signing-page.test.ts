/** The JSON documents in docs/signing.md have the members that the commands print. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { IMAGE, runCommand } from "../packages/ota-publisher/test/release-line.ts";

const PAGE = readFileSync(resolve(import.meta.dirname, "../docs/signing.md"), "utf8");

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-signing-page-"));
  writeFileSync(at("app.bin"), IMAGE);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);

/** Returns the backticked names in the second cell of the row that begins with `label`. */
function membersOf(label: string): string[] {
  const row = PAGE.split("\n").find((line) => line.startsWith(`| ${label} |`));
  return [...(row ?? "").slice(label.length + 4).matchAll(/`(\w+)`/g)].map(([, name = ""]) => name);
}

async function document(...args: string[]) {
  const { stdout, stderr, exitCode } = await runCommand([...args, "--json"]);
  expect(exitCode, stderr).toBe(0);
  return JSON.parse(stdout);
}

test("docs/signing.md lists the members of each JSON document", async () => {
  const keygen = await document("keygen", "--out", at("a.pem"));
  expect(Object.keys(keygen)).toEqual(membersOf("`keygen`"));
  expect(Object.keys(await document("keys", "public", at("a.pem")))).toEqual(membersOf("`keys public`"));
  const signed = await document("sign", at("app.bin"), "--sign-key", at("a.pem"));
  expect(Object.keys(signed)).toEqual(membersOf("`sign`"));
  const verified = await document("verify", at("app.bin"), "--key", at("a.pem.pub"));
  expect(Object.keys(verified)).toEqual(membersOf("`verify --key`"));
});

test("docs/signing.md lists the members of a current and a pending key set", async () => {
  const keys = ["--keys", at("keys")];
  await document("keygen", "--out", at("b.pem"));
  await document("keygen", "--out", at("c.pem"));
  await document("keys", "init", ...keys, "--product", "x", "--root", at("b.pem.pub"), "--sign-key", at("b.pem"));
  const { current, pending, ...others } = await document("keys", "add", at("c.pem.pub"), "--role", "offer", ...keys);
  expect(Object.keys({ current, pending, ...others })).toEqual(membersOf("every other `keys` command"));
  const listed = [...PAGE.matchAll(/^\| ((?:`\w+`(?:, )?)+) \| /gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name),
  );
  expect(listed).toEqual(expect.arrayContaining(Object.keys(pending)));
  expect(Object.keys(current)).toEqual(Object.keys(pending).filter((name) => name !== "signatures"));
  for (const member of [pending.keys[0], current.thresholds, pending.signatures[0]]) {
    const names = Object.keys(member).map((name) => `"${name}"`);
    expect(PAGE).toContain(`{ ${names.join(", ")} }`);
  }
});
