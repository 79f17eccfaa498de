import { execFileSync } from "node:child_process";
import { constants, createHash, generateKeyPairSync, type KeyObject, sign as signNow } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildOffer, concatBytes, utf8 } from "@tinybms/ota-core";
import { buildSignatureBlock } from "@tinybms/ota-core/esp";
import { buildEnvelope, signedBytes } from "@tinybms/ota-core/signing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hasOpenssl } from "../../test/certificate-authority.ts";
import { IMAGE, runCommand } from "../../test/release-line.ts";

let folder: string;
let image: string;
const TYPES = ["ecdsa-p256", "rsa-3072", "ed25519"] as const;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-sign-"));
  image = join(folder, "app.bin");
  writeFileSync(image, IMAGE);
  for (const type of TYPES) await runCommand(["keygen", "--out", at(type), "--type", type, "--quiet"]);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);

async function run(...args: string[]) {
  const env = { PATH: process.env.PATH ?? "" };
  const { exitCode, stdout, stderr } = await runCommand([...args, "--json"], { env });
  return { exitCode, stderr, document: JSON.parse(stdout) };
}

const PROGRAM = "openssl";
const openssl = (...args: string[]): string => String(execFileSync(PROGRAM, args, { cwd: folder, stdio: "pipe" }));

/** How OpenSSL signs and verifies a file with each type of key. */
const OPENSSL = {
  "ecdsa-p256": {
    sign: ["dgst", "-sha256", "-sign", "ecdsa-p256", "-out", "theirs.sig", "app.bin"],
    verify: ["dgst", "-sha256", "-verify", "ecdsa-p256.pub", "-signature", "ours.sig", "app.bin"],
  },
  "rsa-3072": {
    sign: ["dgst", "-sha256", "-sign", "rsa-3072", "-out", "theirs.sig", "app.bin"],
    verify: ["dgst", "-sha256", "-verify", "rsa-3072.pub", "-signature", "ours.sig", "app.bin"],
  },
  ed25519: {
    sign: ["pkeyutl", "-sign", "-rawin", "-inkey", "ed25519", "-in", "app.bin", "-out", "theirs.sig"],
    verify: [
      "pkeyutl",
      "-verify",
      "-rawin",
      "-pubin",
      "-inkey",
      "ed25519.pub",
      "-in",
      "app.bin",
      "-sigfile",
      "ours.sig",
    ],
  },
} as const;

const withoutOpenssl = !hasOpenssl();
const note = withoutOpenssl ? " (skipped: install openssl)" : "";

test.skipIf(withoutOpenssl).for(TYPES)(
  `openssl verifies what we sign with %s, and signs what we verify${note}`,
  async (type) => {
    const signed = await run("sign", image, "--sign-key", at(type), "--out", at("ours.sig"));
    expect(signed.exitCode, signed.stderr).toBe(0);
    expect(openssl(...OPENSSL[type].verify)).toMatch(/Verified OK|Signature Verified Successfully/);
    openssl(...OPENSSL[type].sign);
    const verified = await run("verify", image, "--key", at(`${type}.pub`), "--signature", at("theirs.sig"));
    expect(verified).toMatchObject({ exitCode: 0, document: { valid: true, keyid: signed.document.keyid } });
  },
);

test.skipIf(withoutOpenssl)(
  `verifies RSA-2048 signatures between the gateway's openssl and sign, both ways${note}`,
  async () => {
    openssl("genrsa", "-traditional", "-out", "gateway.pem", "2048");
    openssl("rsa", "-in", "gateway.pem", "-pubout", "-out", "gateway.pub");
    openssl("dgst", "-sha256", "-sign", "gateway.pem", "-out", "app.bin.sig", "app.bin");
    expect(await run("verify", image, "--key", at("gateway.pub"))).toMatchObject({ exitCode: 0 });
    const theirs = readFileSync(at("app.bin.sig"));
    await run("sign", image, "--sign-key", at("gateway.pem"));
    expect(readFileSync(at("app.bin.sig")).equals(theirs)).toBe(true); // PKCS #1 v1.5 draws nothing
  },
);

test.skipIf(withoutOpenssl)(`openssl signs as --sign-command, and what it signs is verified${note}`, async () => {
  const command = `openssl dgst -sha256 -sign '${at("ecdsa-p256")}'`;
  const others = ["--sign-public", at("rsa-3072.pub"), "--sign-public", at("ecdsa-p256.pub")];
  const signed = await run("sign", image, "--sign-command", command, ...others, "--out", at("command.sig"));
  expect(signed).toMatchObject({ exitCode: 0, document: { alg: "ecdsa-p256-sha256" } });
  const verified = await run("verify", image, "--key", at("ecdsa-p256.pub"), "--signature", at("command.sig"));
  expect(verified.exitCode).toBe(0);
  const foreign = await run(
    "sign",
    image,
    "--sign-command",
    command,
    "--sign-public",
    at("ed25519.pub"),
    "--out",
    at("no"),
  );
  expect(foreign).toMatchObject({ exitCode: 1, document: { error: { code: "signing/command-failed" } } });
  expect(existsSync(at("no"))).toBe(false);
});

test.skipIf(withoutOpenssl)(`signs a key set with a command, whose key is found in the set${note}`, async () => {
  const command = `openssl dgst -sha256 -sign '${at("rsa-3072")}'`;
  const made = await run(
    "keys",
    "init",
    "--product",
    "x",
    "--root",
    at("rsa-3072.pub"),
    "--keys",
    at("keys"),
    "--sign-command",
    command,
  );
  expect(made).toMatchObject({ exitCode: 0, document: { current: { epoch: 1 }, pending: null } });
});

test("verifies its own signature, but not with another file, signature or key", async () => {
  for (const type of TYPES) {
    await run("sign", image, "--sign-key", at(type));
    const signature = readFileSync(`${image}.sig`);
    expect((await run("verify", image, "--key", at(`${type}.pub`))).exitCode).toBe(0);
    const other = TYPES[(TYPES.indexOf(type) + 1) % 3]!;
    writeFileSync(at("bad.sig"), signature.with(signature.length - 1, signature.at(-1)! ^ 1));
    writeFileSync(at("long.sig"), concatBytes([signature, Uint8Array.of(0x0a)]));
    writeFileSync(at("other.bin"), concatBytes([IMAGE, Uint8Array.of(0)]));
    for (const args of [
      [image, "--key", at(`${other}.pub`)],
      [image, "--key", at(`${type}.pub`), "--signature", at("bad.sig")],
      [image, "--key", at(`${type}.pub`), "--signature", at("long.sig")],
      [at("other.bin"), "--key", at(`${type}.pub`), "--signature", `${image}.sig`],
    ])
      expect(await run("verify", ...args)).toMatchObject({
        exitCode: 2,
        document: { error: { code: "signing/signature-mismatch" } },
      });
  }
});

const OFFER = buildOffer({
  offer: 1,
  id: "0".repeat(32),
  topic_root: "bench/ota",
  epoch: 1,
  sequence: 1,
  issued_at: "2026-01-31T12:00:00Z",
  release: null,
  chunk_encodings: ["identity"],
  target: "all",
});

test.for([
  ["the very bytes that an offer's signature is over", signedBytes("offer", OFFER)],
  ["an envelope", buildEnvelope(OFFER)],
  ["an image's first byte and then anything", concatBytes([Uint8Array.of(0xe9), signedBytes("offer", OFFER)])],
  ["an image with a byte changed", IMAGE.with(1000, IMAGE[1000]! ^ 1)],
  ["half an image", IMAGE.subarray(0, 20_000)],
  ["text", utf8("hello")],
  ["nothing", new Uint8Array()],
] as const)("%s is neither signed nor verified", async ([, bytes]) => {
  writeFileSync(at("file"), bytes);
  writeFileSync(at("file.sig"), new Uint8Array(64));
  const code = { exitCode: 2, document: { error: { code: "signing/not-an-image" } } };
  expect(await run("sign", at("file"), "--sign-key", at("rsa-3072"), "--out", at("never"))).toMatchObject(code);
  expect(await run("verify", at("file"), "--key", at("ed25519.pub"))).toMatchObject(code);
  expect(existsSync(at("never"))).toBe(false);
});

const pem = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString();
const rsaOf = (options: { modulusLength: number; publicExponent?: number }): string =>
  pem(generateKeyPairSync("rsa", options).privateKey);

test.for([
  ["RSA of 1024 bits", () => rsaOf({ modulusLength: 1024 }), "signing/key-unsupported", "1024 bits"],
  [
    "RSA with exponent 3",
    () => rsaOf({ modulusLength: 2048, publicExponent: 3 }),
    "signing/key-unsupported",
    "exponent is 3",
  ],
  [
    "P-384",
    () => pem(generateKeyPairSync("ec", { namedCurve: "secp384r1" }).privateKey),
    "signing/key-unsupported",
    "P-384",
  ],
  ["X25519", () => pem(generateKeyPairSync("x25519").privateKey), "signing/key-unsupported", "X25519"],
  ["junk before it", () => `junk\n${readFileSync(at("ed25519"), "utf8")}`, "signing/key-malformed", "nothing before"],
  [
    "a public key in its place",
    () => readFileSync(at("ed25519.pub"), "utf8"),
    "signing/key-malformed",
    "holds PUBLIC KEY",
  ],
  [
    "PEM of nothing",
    () => "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    "signing/key-malformed",
    "does not contain a private key",
  ],
  ["no PEM", () => "hello", "signing/key-malformed", "no PEM block"],
  ["a megabyte", () => "x".repeat(1_000_000), "signing/key-unreadable", "no key is that large"],
] as const satisfies readonly (readonly [string, () => string, string, string])[])(
  "a key file with %s is refused with a code and a message",
  async ([, text, code, reason]) => {
    writeFileSync(at("key"), text(), { mode: 0o600 });
    const { exitCode, document } = await run("sign", image, "--sign-key", at("key"), "--out", at("never"));
    expect([exitCode, document.error.code]).toEqual([2, code]);
    expect(document.error.message).toContain(at("key"));
    expect(document.error.message).toContain(reason);
  },
);

test.for([
  ["no signer", []],
  ["two signers", ["--sign-key", "rsa-3072", "--sign-key", "ed25519"]],
  ["a command whose key nobody knows", ["--sign-command", "cat"]],
  ["a command with an open quote", ["--sign-command", "cat 'x", "--sign-public", "ed25519.pub"]],
] as const)("sign with %s is refused", async ([, args]) => {
  const placed = args.map((it) => (/^(?:rsa|ed)/.test(it) ? at(it) : it));
  expect(await run("sign", image, ...placed)).toMatchObject({
    exitCode: 2,
    document: { error: { code: "arguments/invalid" } },
  });
});

test("shows no secret in any output, of success or of failure", async () => {
  const passphrase = "correct-horse-battery";
  const env = { PATH: process.env.PATH ?? "", TINYBMS_OTA_PASSPHRASE: passphrase };
  const secret = at("secret.pem");
  let output = "";
  const tell = async (...args: string[]): Promise<number> => {
    const { exitCode, stdout, stderr } = await runCommand([...args, "--verbose"], { env });
    output += stdout + stderr;
    return exitCode;
  };
  const codes = [
    await tell("keygen", "--out", secret),
    await tell("keygen", "--out", secret), // it is there
    await tell("sign", image, "--sign-key", secret),
    await tell("sign", at("ed25519"), "--sign-key", secret), // no image, but a key
    await tell("verify", image, "--key", secret), // a private key where a public one was meant
    await tell("verify", image, "--key", at("ed25519"), "--json"),
    await tell("keys", "init", "--product", "x", "--root", secret, "--keys", at("secret-keys")),
    await tell(
      "keys",
      "init",
      "--product",
      "x",
      "--root",
      `${secret}.pub`,
      "--sign-key",
      secret,
      "--keys",
      at("secret-keys"),
    ),
    await tell("sign", image, "--sign-command", `cat '${at("ed25519")}'`, "--sign-public", `${secret}.pub`),
    await tell(
      "sign",
      image,
      "--sign-command",
      `sh -c 'echo "$TINYBMS_OTA_PASSPHRASE" >&2; exit 1'`,
      "--sign-public",
      `${secret}.pub`,
    ),
    await tell(
      "sign",
      image,
      "--sign-command",
      `sh -c 'echo ${passphrase} >&2; exit 1'`,
      "--sign-public",
      `${secret}.pub`,
    ),
    await tell("sign", image, "--sign-key", secret, "--passphrase", passphrase),
  ];
  expect(codes).toEqual([0, 2, 0, 2, 2, 2, 2, 0, 1, 1, 1, 2]);
  const keys = [secret, ...TYPES.map(at)].map((file) => readFileSync(file, "utf8").split("\n"));
  const secrets = keys.flatMap((lines) => lines.filter((line) => line.length > 20 && !line.startsWith("-----")));
  expect(secrets.length).toBeGreaterThan(10);
  for (const text of [passphrase, ...secrets]) expect(output).not.toContain(text);
});

const pad = (bytes: Uint8Array): Uint8Array => concatBytes([bytes, new Uint8Array(-bytes.length & 4095).fill(0xff)]);
const le = (text: string, size: number): Uint8Array =>
  concatBytes([Uint8Array.from(Buffer.from(text, "base64url")).reverse(), new Uint8Array(size)]).subarray(0, size);

/** An image with a signature sector as `espsecure sign-data --version 2` makes it with an ECDSA key. */
function securelySigned(privateKey: KeyObject, publicKey: KeyObject): Uint8Array {
  const signed = pad(IMAGE);
  const { x = "", y = "" } = publicKey.export({ format: "jwk" });
  const raw = Uint8Array.from(signNow("sha256", signed, { key: privateKey, dsaEncoding: "ieee-p1363" }));
  const block = buildSignatureBlock({
    scheme: "ecdsa-p256",
    imageDigest: createHash("sha256").update(signed).digest(),
    publicKey: concatBytes([Uint8Array.of(2), le(x, 32), le(y, 32)]),
    signature: concatBytes([raw.slice(0, 32).reverse(), raw.slice(32).reverse()]),
  });
  return pad(concatBytes([signed, block]));
}

test("verifies a Secure Boot v2 signature with its own key only", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  writeFileSync(at("boot.pub"), publicKey.export({ type: "spki", format: "pem" }));
  const bytes = securelySigned(privateKey, publicKey);
  writeFileSync(at("boot.bin"), bytes);
  expect(await run("verify", at("boot.bin"), "--secure-boot", at("boot.pub"))).toMatchObject({
    exitCode: 0,
    document: { valid: true, secureBoot: { scheme: "ecdsa-p256", block: 0 } },
  });
  const mismatch = { exitCode: 2, document: { error: { code: "signing/signature-mismatch" } } };
  expect(await run("verify", at("boot.bin"), "--secure-boot", at("ecdsa-p256.pub"))).toMatchObject(mismatch);
  writeFileSync(at("boot.bin"), bytes.with(40_500, 0)); // padding is signed too
  expect(await run("verify", at("boot.bin"), "--secure-boot", at("boot.pub"))).toMatchObject(mismatch);
  expect(await run("verify", image, "--secure-boot", at("boot.pub"))).toMatchObject({
    document: { error: { code: "image/signature-invalid" } },
  });
  expect(await run("verify", at("boot.bin"), "--secure-boot", at("ed25519.pub"))).toMatchObject({
    document: { error: { code: "signing/key-unsupported" } },
  });
});

test("accepts an RSA block only with the constants that the ROM computes with", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 3072 });
  writeFileSync(at("boot-rsa.pub"), publicKey.export({ type: "spki", format: "pem" }));
  const { n = "", e = "" } = publicKey.export({ format: "jwk" });
  const modulus = BigInt(`0x${Buffer.from(n, "base64url").toString("hex")}`);
  const hexLe = (value: bigint, size: number) =>
    le(Buffer.from(value.toString(16).padStart(size * 2, "0"), "hex").toString("base64url"), size);
  // Found by search, not by the formula that the code uses: m' with m' · n = −1 mod 2³².
  let inverse = 0n;
  for (let bit = 0n; bit < 32n; bit++) if (((inverse * modulus + 1n) >> bit) & 1n) inverse += 1n << bit;
  const signed = pad(IMAGE);
  const options = { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  const blockOf = (r: bigint) =>
    buildSignatureBlock({
      scheme: "rsa-3072",
      imageDigest: createHash("sha256").update(signed).digest(),
      publicKey: concatBytes([le(n, 384), le(e, 4), hexLe(r, 384), hexLe(inverse, 4)]),
      signature: Uint8Array.from(signNow("sha256", signed, options)).reverse(),
    });
  const right = blockOf((1n << 6144n) % modulus);
  writeFileSync(at("rsa.bin"), pad(concatBytes([signed, blockOf(1n), right])));
  expect(await run("verify", at("rsa.bin"), "--secure-boot", at("boot-rsa.pub"))).toMatchObject({
    exitCode: 0,
    document: { secureBoot: { scheme: "rsa-3072", block: 1 } },
  });
  writeFileSync(at("rsa.bin"), pad(concatBytes([signed, blockOf(1n)])));
  expect((await run("verify", at("rsa.bin"), "--secure-boot", at("boot-rsa.pub"))).exitCode).toBe(2);
});

test("refuses a private key for verifying Secure Boot", async () => {
  expect(await run("verify", image, "--secure-boot", at("ecdsa-p256"))).toMatchObject({
    exitCode: 2,
    document: { error: { code: "signing/key-malformed" } },
  });
});

test("verify requires exactly one key, of either kind", async () => {
  expect((await run("verify", image)).document.error.code).toBe("arguments/invalid");
  const both = ["--key", at("ed25519.pub"), "--secure-boot", at("ed25519.pub")];
  expect((await run("verify", image, ...both)).document.error.code).toBe("arguments/invalid");
});
