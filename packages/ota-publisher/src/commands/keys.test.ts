import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { advanceKeySet, parsePublicKeyPem, readKeySet, verifySignature } from "@tinybms/ota-core/signing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCommand } from "../../test/release-line.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-keys-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);
const store = (name: string): string => join(folder, "keys", name);

/** Makes key pairs of these names. */
async function keygen(...names: string[]): Promise<void> {
  for (const name of names) await runCommand(["keygen", "--out", at(name), "--quiet"]);
}

const keyidOf = (name: string): string => parsePublicKeyPem(readFileSync(at(`${name}.pub`), "utf8")).keyid;

async function keys(...args: string[]) {
  const { exitCode, stdout, stderr } = await runCommand(["keys", ...args, "--keys", at("keys"), "--json"]);
  return { exitCode, document: JSON.parse(stdout), stderr };
}

/** `keys init` of two root keys that must both sign, with an offer key of its own. */
async function initialised(): Promise<void> {
  await keygen("alice", "bob", "carol");
  const parts = [
    "--root",
    at("alice.pub"),
    "--root",
    at("bob.pub"),
    "--offer",
    at("carol.pub"),
    "--threshold",
    "root=2",
  ];
  await keys("init", "--product", "Gateway", ...parts, "--sign-key", at("alice"), "--sign-key", at("bob"));
}

test("creates and signs a first set with one key that has all roles", async () => {
  await keygen("alice");
  const { exitCode, document } = await keys(
    "init",
    "--product",
    "Gateway",
    "--root",
    at("alice.pub"),
    "--sign-key",
    at("alice"),
  );
  expect(exitCode).toBe(0);
  expect(document).toMatchObject({
    current: {
      file: store("1.json"),
      product: "Gateway",
      epoch: 1,
      keys: [{ keyid: keyidOf("alice"), alg: "ecdsa-p256-sha256", roles: ["root", "release", "offer"] }],
      thresholds: { root: 1, release: 1, offer: 1 },
      revoked: [],
    },
    pending: null,
  });
  expect(readKeySet(readFileSync(store("1.json")), verifySignature).document.product).toBe("Gateway");
});

test("signers sign one after the other, by a file that says who is missing", async () => {
  await keygen("alice", "bob");
  const roots = ["--root", at("alice.pub"), "--root", at("bob.pub"), "--threshold", "root=2"];
  const begun = await keys("init", "--product", "Gateway", ...roots);
  expect(begun.document.pending.signatures).toEqual([
    { epoch: 1, needed: 2, signed: [], missing: [keyidOf("alice"), keyidOf("bob")] },
  ]);
  const half = await keys("sign", "--sign-key", at("bob"));
  expect(half.document.pending.signatures).toEqual([
    { epoch: 1, needed: 2, signed: [keyidOf("bob")], missing: [keyidOf("alice")] },
  ]);
  expect(readdirSync(at("keys"))).toEqual(["pending.json"]);
  const done = await keys("sign", "--sign-key", at("alice"));
  expect(done.document).toMatchObject({ current: { epoch: 1 }, pending: null });
  expect(readdirSync(at("keys"))).toEqual(["1.json"]);
});

test("every change creates a set that a device with the previous set accepts", async () => {
  await initialised();
  await keygen("dave", "erin");
  const sign = ["--sign-key", at("alice"), "--sign-key", at("bob")];
  await keys("add", at("dave.pub"), "--role", "root", "--role", "release", ...sign);
  await keys("revoke", keyidOf("carol")); // refused: it is the only offer key
  await keys("rotate", at("carol.pub"), at("erin.pub"), "--revoke", ...sign);
  const { document } = await keys("threshold", "root", "1", ...sign);
  expect(document.current).toMatchObject({
    epoch: 4,
    thresholds: { root: 1, release: 1, offer: 1 },
    revoked: [keyidOf("carol")],
    keys: expect.arrayContaining([
      { keyid: keyidOf("dave"), alg: "ecdsa-p256-sha256", roles: ["root", "release"] },
      { keyid: keyidOf("erin"), alg: "ecdsa-p256-sha256", roles: ["offer"] },
    ]),
  });
  let device = readKeySet(readFileSync(store("1.json")), verifySignature);
  for (const epoch of [2, 3, 4]) device = advanceKeySet(device, readFileSync(store(`${epoch}.json`)), verifySignature);
  expect(device.document.revoked).toEqual([keyidOf("carol")]);
  expect((await keys("show")).document).toEqual(document);
});

test("combines several changes in one pending set, and drops signatures of its earlier content", async () => {
  await initialised();
  await keygen("dave");
  await keys("add", at("dave.pub"), "--role", "offer", "--sign-key", at("alice"));
  const { document, stderr } = await keys("revoke", at("carol.pub"));
  expect(stderr).toContain("its 1 earlier signatures are no longer valid");
  expect(document.pending).toMatchObject({ epoch: 2, revoked: [keyidOf("carol")] });
  expect(document.pending.signatures).toMatchObject([{ signed: [] }, { signed: [] }]);
  expect(document.current.epoch).toBe(1);
});

test.for([
  ["init where key sets are", ["init", "--product", "x", "--root", "alice.pub"], 2, "signing/key-exists"],
  ["sign where nothing is pending", ["sign", "--sign-key", "alice"], 2, "signing/key-set-change"],
  ["add of a private key", ["add", "alice", "--role", "offer"], 2, "signing/key-malformed"],
  ["add of a key that isn't there", ["add", "nobody.pub", "--role", "offer"], 2, "signing/key-unreadable"],
  ["add to what is no role", ["add", "alice.pub", "--role", "king"], 2, "arguments/invalid"],
  ["add without a role", ["add", "alice.pub"], 2, "arguments/invalid"],
  ["revoke of a key that others need", ["revoke", "carol.pub"], 2, "signing/key-set-change"],
  ["revoke of an unknown id", ["revoke", "0".repeat(32)], 2, "signing/key-set-change"],
  ["a threshold that nobody can meet", ["threshold", "root", "3"], 2, "signing/key-set-change"],
  ["a change signed by no root key", ["threshold", "root", "1", "--sign-key", "carol"], 2, "signing/wrong-role"],
  ["a change signed by a missing key", ["threshold", "root", "1", "--sign-key", "nobody"], 2, "signing/key-unreadable"],
] as const)("%s is refused, and nothing is written", async ([, args, exitCode, code]) => {
  await initialised();
  const placed = args.map((it) => (/^(?:alice|carol|nobody)(?:\.pub)?$/.test(it) ? at(it) : it));
  const result = await keys(...placed);
  expect([result.exitCode, result.document.error.code]).toEqual([exitCode, code]);
  expect(readdirSync(at("keys"))).toEqual(["1.json"]);
});

test("says how to create the first key set if the folder has no key set", async () => {
  const { document } = await keys("threshold", "root", "1");
  expect(document.error).toMatchObject({ code: "signing/key-set-change", hint: "keys init creates the first one" });
  expect((await keys("show")).document).toEqual({ current: null, pending: null });
});

test("changes all root keys in one step of four signatures, and refuses a fifth that isn't needed", async () => {
  await keygen("a", "b", "c", "d", "e", "f");
  const roots = ["a", "b", "c"].flatMap((name) => ["--root", at(`${name}.pub`)]);
  const sign = (...names: string[]): string[] => names.flatMap((name) => ["--sign-key", at(name)]);
  await keys("init", "--product", "Gateway", ...roots, "--threshold", "root=2", ...sign("a", "b"));
  for (const [old, next] of [
    ["a", "d"],
    ["b", "e"],
    ["c", "f"],
  ] as const)
    await keys("rotate", at(`${old}.pub`), at(`${next}.pub`));
  const { document } = await keys("sign", ...sign("a", "b"));
  expect(document.pending.signatures).toEqual([
    { epoch: 1, needed: 2, signed: [keyidOf("a"), keyidOf("b")], missing: [keyidOf("c")] },
    { epoch: 2, needed: 2, signed: [], missing: [keyidOf("d"), keyidOf("e"), keyidOf("f")] },
  ]);
  expect((await keys("sign", ...sign("c"))).document.error).toMatchObject({
    code: "signing/key-set-change",
    message: expect.stringContaining("others are missing"),
  });
  expect((await keys("sign", ...sign("f", "d"))).document).toMatchObject({ current: { epoch: 2 }, pending: null });
});

test("keeps earlier signatures if a signer fails", async () => {
  await initialised();
  await keys("threshold", "root", "1");
  const { document } = await keys("sign", "--sign-key", at("alice"), "--sign-key", at("carol"));
  expect(document.error.code).toBe("signing/wrong-role");
  expect((await keys("show")).document.pending.signatures).toMatchObject([{ signed: [keyidOf("alice")] }, {}]);
});

test("refuses a step that needs five signatures before any signer runs", async () => {
  await keygen("a", "b", "c", "d", "e");
  const roots = ["a", "b", "c"].flatMap((name) => ["--root", at(`${name}.pub`)]);
  const sign = ["a", "b", "c"].flatMap((name) => ["--sign-key", at(name)]);
  await keys("init", "--product", "Gateway", ...roots, "--threshold", "root=3", ...sign);
  expect((await keys("rotate", at("a.pub"), at("d.pub"))).exitCode).toBe(0); // a, b, c and d
  const { document } = await keys("rotate", at("b.pub"), at("e.pub"));
  expect(document.error).toMatchObject({
    code: "signing/key-set-change",
    message: expect.stringContaining("5 signatures"),
  });
});

test.for([
  ["a set that was changed", (bytes: Buffer) => bytes.with(bytes.length - 20, bytes[bytes.length - 20]! ^ 1), "1.json"],
  ["a set under another epoch", (bytes: Buffer) => bytes, "2.json"],
] as const)("%s is found by every command that reads the folder", async ([, change, name]) => {
  await initialised();
  writeFileSync(store(name), change(readFileSync(store("1.json"))));
  const { exitCode, document } = await keys("show");
  expect(exitCode).not.toBe(0);
  expect(document.error.message).toContain(store(name));
});

test("ignores what a crash left beside a completed set", async () => {
  await initialised();
  writeFileSync(store("pending.json"), readFileSync(store("1.json")));
  expect((await keys("show")).document.pending).toBeNull();
});

test("reports a path that is not a folder, and a pending set that is not a file", async () => {
  writeFileSync(at("keys"), "");
  const fault = { exitCode: 2, document: { error: { code: "signing/key-set-unreadable" } } };
  expect(await keys("show")).toMatchObject(fault);
  rmSync(at("keys"));
  mkdirSync(store("pending.json"), { recursive: true });
  expect(await keys("show")).toMatchObject(fault);
});

test("prints for people who has which role and who is missing", async () => {
  await initialised();
  await keys("threshold", "root", "1", "--sign-key", at("alice"));
  const { stdout } = await runCommand(["keys", "show", "--keys", at("keys")]);
  expect(stdout).toContain(`current: key set 1 of Gateway`);
  expect(stdout).toContain(`signed by 1 of 2 root keys of key set 1; missing 1 of ${keyidOf("bob")}`);
  expect(stdout).toContain("must sign: 1 root, 1 release, 1 offer");
  expect(existsSync(store("2.json"))).toBe(false);
});

test("keys without a command, or with an unknown one, says where the commands are listed", async () => {
  for (const args of [[], ["burn"]]) {
    const { exitCode, stderr } = await runCommand(["keys", ...args]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("--help lists")]);
  }
  expect((await runCommand(["keys", "--help"])).stdout).toMatch(
    /init.*public.*add.*revoke.*rotate.*threshold.*sign.*show/s,
  );
});

/** Writes the release line whose folder of key sets the tests use. */
const writeManifest = (name: string, product: object): void =>
  writeFileSync(at(name), JSON.stringify({ schema_version: 1, product, versions: [] }));

test("keys init uses the product of the manifest next to the folder of key sets", async () => {
  await keygen("alice");
  writeManifest("manifest.json", { name: "TinyBMS Web Gateway" });
  const { document } = await keys("init", "--root", at("alice.pub"), "--sign-key", at("alice"));
  expect(document.current.product).toBe("TinyBMS Web Gateway");
});

test("keys init takes the product of the manifest that --manifest names", async () => {
  await keygen("alice");
  writeManifest("other.json", {});
  const { document } = await keys("init", "--manifest", at("other.json"), "--root", at("alice.pub"));
  expect(document.pending.product).toBe("firmware");
});

test("keys init refuses another product than the manifest's, and writes nothing", async () => {
  await keygen("alice");
  writeManifest("manifest.json", { name: "TinyBMS Web Gateway" });
  const { exitCode, document } = await keys("init", "--product", "Gateway", "--root", at("alice.pub"));
  expect(exitCode).toBe(2);
  expect(document.error).toMatchObject({
    code: "arguments/invalid",
    message: expect.stringContaining('is the release line of "TinyBMS Web Gateway"'),
    hint: expect.stringContaining("omit --product"),
  });
  expect(existsSync(at("keys"))).toBe(false);
});

test("keys init without a manifest needs --product", async () => {
  await keygen("alice");
  const { exitCode, document } = await keys("init", "--root", at("alice.pub"));
  expect(exitCode).toBe(2);
  expect(document.error).toMatchObject({ code: "manifest/not-found", hint: expect.stringContaining("--product") });
});

test("refuses an Ed25519 key, which devices can't verify, and says what to use", async () => {
  await keygen("alice");
  await runCommand(["keygen", "--out", at("eve"), "--type", "ed25519", "--quiet"]);
  const init = ["keys", "init", "--product", "Gateway", "--keys", at("keys")];
  const refused = await runCommand([...init, "--root", at("eve.pub"), "--sign-key", at("eve")]);
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toContain(`key ${keyidOf("eve")} is ed25519, which devices can't verify`);
  expect(refused.stderr).toContain("tinybms-ota keygen --out team.pem");
  expect(existsSync(at("keys"))).toBe(false);
  await runCommand([...init, "--root", at("alice.pub"), "--sign-key", at("alice"), "--quiet"]);
  const added = await runCommand(["keys", "add", at("eve.pub"), "--role", "release", "--keys", at("keys")]);
  expect(added.stderr).toContain("ed25519");
  expect(readdirSync(at("keys"))).toEqual(["1.json"]);
});

test("refuses a key set that can't have its signatures within 4096 bytes, before anybody signs", async () => {
  for (const name of ["a", "b", "c"]) await runCommand(["keygen", "--out", at(name), "--type", "rsa-3072", "--quiet"]);
  const roots = ["a", "b", "c"].flatMap((name) => ["--root", at(`${name}.pub`)]);
  const init = ["keys", "init", "--product", "Gateway", "--keys", at("keys"), ...roots, "--threshold", "root=3"];
  const { exitCode, stderr } = await runCommand(init);
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/the key set has \d{4} bytes with its signatures; devices take at most 4096/);
  expect(stderr).toContain("use ECDSA P-256 keys instead of RSA");
  expect(existsSync(at("keys"))).toBe(false);
});
