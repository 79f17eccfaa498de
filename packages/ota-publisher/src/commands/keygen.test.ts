import {
  chmodSync,
  closeSync,
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
import { parsePublicKeyPem } from "@tinybms/ota-core";
import { afterEach, beforeEach, expect, test } from "vitest";
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

test("a file that can't be made is told", async () => {
  const { exitCode, stdout } = await runCommand(["keygen", "--out", join(folder, "no", "key"), "--json"]);
  expect([exitCode, JSON.parse(stdout).error.code]).toEqual([2, "signing/key-unreadable"]);
});

test("a passphrase is no argument", async () => {
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

test.for(WAYS)("%s hands over a passphrase, to make a key and to sign with it", async ([, handOver]) => {
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
] as const)("of passphrases %s is refused, and no key is made", async ([, env, args, text]) => {
  const { exitCode, stdout } = await keygen(args, { env });
  const { code, message } = JSON.parse(stdout).error;
  expect([exitCode, code]).toEqual([2, "signing/passphrase-unusable"]);
  expect(message).toContain(text);
  expect(readdirSync(folder)).toEqual([]);
});

test.skipIf(process.platform === "win32")("a key that others can read is warned of", async () => {
  await keygen();
  const image = join(folder, "app.bin");
  writeFileSync(image, IMAGE);
  expect((await runCommand(["sign", image, "--sign-key", key])).stderr).toBe("");
  chmodSync(key, 0o640);
  expect((await runCommand(["sign", image, "--sign-key", key])).stderr).toContain("can be read by others");
});
