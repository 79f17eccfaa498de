import { execFileSync, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parsePublicKeyPem } from "@tinybms/ota-core/signing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hasOpenssl } from "../../test/certificate-authority.ts";
import { IMAGE, type RunWorld, runCommand } from "../../test/release-line.ts";

const PASSPHRASE = "hunter2 hunter2";
let folder: string;
let key: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-keygen-"));
  key = join(folder, "release.pem");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const keygen = (args: readonly string[] = [], world: RunWorld = {}) =>
  runCommand(["keygen", "--out", key, "--json", ...args], world);

test.for([
  ["ecdsa-p256", "ecdsa-p256-sha256", 256],
  ["rsa-3072", "rsa-pkcs1v15-sha256", 3072],
  ["ed25519", "ed25519", 256],
] as const)("a key of %s is written for its owner alone, with the public key beside it", async ([type, alg, bits]) => {
  const { exitCode, stdout, stderr } = await keygen(["--type", type]);
  const { keyid, sizeBits } = parsePublicKeyPem(readFileSync(`${key}.pub`, "utf8"));
  expect([exitCode, sizeBits]).toEqual([0, bits]);
  expect(JSON.parse(stdout)).toEqual({ file: key, publicFile: `${key}.pub`, keyid, alg, encrypted: false });
  expect(statSync(key).mode & 0o777).toBe(0o600);
  expect(readFileSync(key, "utf8")).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
  expect(stderr).toContain("is not encrypted");
});

test("P-256 is the default", async () => {
  expect(JSON.parse((await keygen()).stdout)).toMatchObject({ alg: "ecdsa-p256-sha256" });
});

test("keys are never overwritten, neither half", async () => {
  writeFileSync(key, "old");
  const first = await keygen();
  expect([first.exitCode, JSON.parse(first.stdout).error.code]).toEqual([2, "signing/key-exists"]);
  expect(readFileSync(key, "utf8")).toBe("old");
  rmSync(key);
  writeFileSync(`${key}.pub`, "old");
  expect((await keygen()).exitCode).toBe(2);
  expect(readdirSync(folder)).toEqual(["release.pem.pub"]);
});

test("reports a file that can't be created", async () => {
  const { exitCode, stdout } = await runCommand(["keygen", "--out", join(folder, "no", "key"), "--json"]);
  expect([exitCode, JSON.parse(stdout).error.code]).toEqual([2, "signing/key-unreadable"]);
});

test("accepts no passphrase as an argument", async () => {
  const { exitCode, stdout } = await keygen(["--passphrase", PASSPHRASE]);
  expect([exitCode, JSON.parse(stdout).error.code]).toEqual([2, "arguments/invalid"]);
});

/** Arguments and world that hand a passphrase over to one command, and what is to be done after it. */
interface Handover {
  readonly args: readonly string[];
  readonly world: RunWorld;
  readonly end?: () => void;
}

const WAYS: readonly (readonly [name: string, handOver: () => Handover])[] = [
  ["the environment", () => ({ args: [], world: { env: { TINYBMS_OTA_PASSPHRASE: PASSPHRASE } } })],
  [
    "a file",
    () => {
      writeFileSync(join(folder, "passphrase"), `${PASSPHRASE}\r\nand a note\n`);
      return { args: ["--passphrase-file", join(folder, "passphrase")], world: {} };
    },
  ],
  [
    "a file descriptor",
    () => {
      writeFileSync(join(folder, "passphrase"), PASSPHRASE);
      const fd = openSync(join(folder, "passphrase"), "r");
      return { args: ["--passphrase-fd", String(fd)], world: {}, end: () => closeSync(fd) };
    },
  ],
];

test.for(WAYS)("%s passes a passphrase, to create a key and to sign with it", async ([, handOver]) => {
  const image = join(folder, "app.bin");
  writeFileSync(image, IMAGE);
  for (const command of [
    ["keygen", "--out", key, "--type", "ed25519"],
    ["sign", image, "--sign-key", key],
  ]) {
    const { args, world, end } = handOver();
    const { exitCode, stdout, stderr } = await runCommand([...command, ...args, "--json"], world);
    end?.();
    expect(exitCode, stderr).toBe(0);
    expect(stdout + stderr).not.toContain(PASSPHRASE);
  }
  expect(readFileSync(key, "utf8")).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
  const without = await runCommand(["sign", image, "--sign-key", key, "--json"]);
  expect([without.exitCode, JSON.parse(without.stdout).error.code]).toEqual([2, "signing/key-encrypted"]);
  const wrong = await runCommand(["sign", image, "--sign-key", key, "--json"], {
    env: { TINYBMS_OTA_PASSPHRASE: "hunter3" },
  });
  expect([wrong.exitCode, JSON.parse(wrong.stdout).error.code]).toEqual([2, "signing/passphrase-wrong"]);
  expect(wrong.stdout + wrong.stderr).not.toContain("hunter3");
});

test.for([
  ["an empty one", { TINYBMS_OTA_PASSPHRASE: "" }, [], "the passphrase is empty"],
  ["one of 2 kB", { TINYBMS_OTA_PASSPHRASE: "x".repeat(2000) }, [], "longer than 1024 bytes"],
  ["a file that isn't there", {}, ["--passphrase-file", "/no/such/file"], "no passphrase can be read"],
  ["a descriptor that isn't open", {}, ["--passphrase-fd", "999"], "no passphrase can be read"],
  ["a question without a terminal", {}, ["--encrypt"], "there is no terminal"],
] as const)("refuses %s as passphrase, and creates no key", async ([, env, args, text]) => {
  const { exitCode, stdout } = await keygen(args, { env });
  const { code, message } = JSON.parse(stdout).error;
  expect([exitCode, code]).toEqual([2, "signing/passphrase-unusable"]);
  expect(message).toContain(text);
  expect(readdirSync(folder)).toEqual([]);
});

test.skipIf(process.platform === "win32")("warns of a private key that others can read", async () => {
  await keygen();
  const image = join(folder, "app.bin");
  writeFileSync(image, IMAGE);
  expect((await runCommand(["sign", image, "--sign-key", key])).stderr).toBe("");
  chmodSync(key, 0o640);
  expect((await runCommand(["sign", image, "--sign-key", key])).stderr).toContain("can be read by other users");
});

test("refuses a short passphrase for a new key unless allowed, and opens a key that has one", async () => {
  const env = { TINYBMS_OTA_PASSPHRASE: "1234567" };
  const refused = await keygen([], { env });
  expect(JSON.parse(refused.stdout).error).toMatchObject({
    code: "signing/passphrase-unusable",
    message: "the passphrase has 7 characters; that of a new key must have at least 8",
    hint: expect.stringContaining("--allow-weak-passphrase"),
  });
  expect(refused.stdout + refused.stderr).not.toContain("1234567");
  expect(readdirSync(folder)).toEqual([]);
  expect((await keygen(["--allow-weak-passphrase"], { env })).exitCode).toBe(0);
  const image = join(folder, "app.bin");
  writeFileSync(image, IMAGE);
  expect((await runCommand(["sign", image, "--sign-key", key], { env })).exitCode).toBe(0);
});

test.skipIf(process.platform === "win32")("warns of a passphrase file that others can read", async () => {
  const file = join(folder, "passphrase");
  writeFileSync(file, PASSPHRASE, { mode: 0o600 });
  expect((await keygen(["--passphrase-file", file])).stderr).toBe("");
  chmodSync(file, 0o644);
  rmSync(key);
  rmSync(`${key}.pub`);
  expect((await keygen(["--passphrase-file", file])).stderr).toContain(`${file} can be read by other users`);
});

test.each([[[]], [["--encrypt"]]])(
  "keys public restores a lost .pub, and replaces no other file (%j)",
  async (options) => {
    const world = options.length === 0 ? {} : { env: { TINYBMS_OTA_PASSPHRASE: PASSPHRASE } };
    await keygen(options, world);
    const lost = readFileSync(`${key}.pub`, "utf8");
    rmSync(`${key}.pub`);
    const publish = () => runCommand(["keys", "public", key, "--json"], world);
    const { keyid } = parsePublicKeyPem(lost);
    expect(JSON.parse((await publish()).stdout)).toMatchObject({ publicFile: `${key}.pub`, keyid, written: true });
    expect(readFileSync(`${key}.pub`, "utf8")).toBe(lost);
    expect(JSON.parse((await publish()).stdout)).toMatchObject({ keyid, written: false });
    writeFileSync(`${key}.pub`, "another");
    expect(JSON.parse((await publish()).stdout).error.code).toBe("signing/key-exists");
    expect(readFileSync(`${key}.pub`, "utf8")).toBe("another");
  },
);

/** What Node.js writes: PBKDF2 with 2048 iterations, as keygen wrote it before it used scrypt. */
test("opens a key that an earlier version of keygen encrypted", async () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const old = privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: PASSPHRASE });
  writeFileSync(key, old, { mode: 0o600 });
  const world = { env: { TINYBMS_OTA_PASSPHRASE: PASSPHRASE } };
  expect((await runCommand(["keys", "public", key], world)).exitCode).toBe(0);
});

const hasNoOpenssl = !hasOpenssl();
test.skipIf(hasNoOpenssl).each([["ecdsa-p256"], ["rsa-3072"], ["ed25519"]])(
  `OpenSSL reads an encrypted key of %s, which scrypt protects${hasNoOpenssl ? " (skipped: no openssl)" : ""}`,
  async (type) => {
    await keygen(["--type", type], { env: { TINYBMS_OTA_PASSPHRASE: PASSPHRASE } });
    const openssl = (...args: string[]) => execFileSync("openssl", args, { encoding: "utf8", stdio: "pipe" });
    expect(openssl("pkey", "-in", key, "-passin", `pass:${PASSPHRASE}`, "-pubout")).toBe(
      readFileSync(`${key}.pub`, "utf8"),
    );
    const structure = openssl("asn1parse", "-in", key);
    for (const part of [":PBES2", /:(?:id-)?scrypt|1\.3\.6\.1\.4\.1\.11591\.4\.11/, ":4000", ":05", ":aes-256-cbc"]) {
      expect(structure).toMatch(part);
    }
    expect(() => openssl("pkey", "-in", key, "-passin", "pass:wrong passphrase")).toThrow();
  },
);

test("a disk that is full at any moment leaves no file of a new key", () => {
  const child = fileURLToPath(new URL("../../../../test/keygen-killed.ts", import.meta.url));
  const node = ["--conditions=@tinybms/source", child, key];
  let number = 0;
  for (; ; number++) {
    const { status, stderr } = spawnSync(process.execPath, [...node, String(number), "full"]);
    if (status === 0) break;
    expect([status, String(stderr)]).toEqual([2, ""]);
    expect(readdirSync(folder)).toEqual([]);
  }
  expect(number).toBeGreaterThanOrEqual(4);
});

test("a keygen killed before any operation leaves both files or none for the next one", async () => {
  const child = fileURLToPath(new URL("../../../../test/keygen-killed.ts", import.meta.url));
  let kills = 0;
  for (let number = 0; ; number++) {
    const file = join(folder, `${number}`, "k.pem");
    mkdirSync(join(folder, `${number}`));
    const { signal } = spawnSync(process.execPath, [
      "--conditions=@tinybms/source",
      child,
      file,
      String(number),
      "kill",
    ]);
    if (signal === null) break;
    kills++;
    const again = await runCommand(["keygen", "--out", file, "--type", "ed25519", "--json"]);
    const isThere = again.exitCode === 2 && JSON.parse(again.stdout).error.code === "signing/key-exists";
    expect([0, 2]).toContain(again.exitCode);
    expect(isThere || again.exitCode === 0).toBe(true);
    expect((await runCommand(["keys", "public", file, "--json"])).stdout).toContain('"written": false');
    expect(readdirSync(join(folder, `${number}`)).sort()).toEqual(["k.pem", "k.pem.pub"]);
  }
  // Two files are created, named and no longer temporary.
  expect(kills).toBeGreaterThanOrEqual(6);
});
