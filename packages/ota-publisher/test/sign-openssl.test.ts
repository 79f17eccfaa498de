import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MESSAGE_SIZE_MAX } from "@tinybms/ota-core";
import {
  type Envelope,
  type KeySet,
  parseEnvelope,
  parsePublicKeyPem,
  type SignedKind,
  signedBytes,
  type TrustedKeys,
  trustKeys,
  verifyEnvelope,
  verifySignature,
} from "@tinybms/ota-core/signing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hasOpenssl } from "./certificate-authority.ts";
import { createReleaseLine, type ReleaseLine, runCommand } from "./release-line.ts";

const isAbsent = !hasOpenssl();
const WHY = isAbsent ? " (skipped: `apt-get install openssl`)" : "";
const ED25519_SCRIPT = fileURLToPath(new URL("../../../examples/sign-ed25519.sh", import.meta.url));

let line: ReleaseLine;

beforeEach(() => {
  line = createReleaseLine();
});

afterEach(() => line.remove());

const at = (name: string): string => join(line.folder, name);
const PROGRAM = "openssl";

function openssl(args: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  return String(execFileSync(PROGRAM, args, { cwd: line.folder, stdio: ["ignore", "pipe", "pipe"], env }));
}

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<void> {
  const { exitCode, stderr } = await runCommand(args, { env: { PATH: process.env.PATH ?? "", ...env } });
  expect(exitCode, stderr).toBe(0);
}

const packaged = (...signing: readonly string[]): readonly string[] => [
  ...["package", "--manifest", line.manifest, "--binary", line.binary, "--update-manifest", "--force", ...signing],
];

const releaseNow = (): Envelope => parseEnvelope(readFileSync(at("ota/versions/1.2.3/release.json")));

/** OpenSSL itself says whether an envelope's one signature is one over its bytes. */
function verifiedByOpenssl(kind: SignedKind, { payload, signatures }: Envelope, type: string): string {
  writeFileSync(at("message"), signedBytes(kind, payload));
  writeFileSync(at("signature"), signatures[0]?.sig ?? "");
  const inputs = ["-in", "message", "-sigfile", "signature"];
  if (type === "ed25519") return openssl(["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "key.pub", ...inputs]);
  return openssl(["dgst", "-sha256", "-verify", "key.pub", "-signature", "signature", "message"]);
}

test.skipIf(isAbsent).for(["ecdsa-p256", "rsa-3072", "ed25519"] as const)(
  `openssl verifies envelopes that we sign with %s, and signs envelopes that we verify${WHY}`,
  async (type) => {
    await run(["keygen", "--out", at("key"), "--type", type]);
    const isEd25519 = type === "ed25519";
    const command = isEd25519 ? `${ED25519_SCRIPT} ${at("key")}` : `openssl dgst -sha256 -sign ${at("key")}`;
    const byCommand = ["--sign-command", command, "--sign-public", at("key.pub")];
    const keys = isEd25519 ? trustedAlone(at("key.pub")) : await keySetsSignedBothWays(type, byCommand);
    await run(packaged("--sign-key", at("key")));
    expect(verifiedByOpenssl("release", releaseNow(), type)).toMatch(/Verified OK|Signature Verified Successfully/);
    writeFileSync(at("ota/versions/1.2.3/release.json"), "");
    await run(packaged(...byCommand));
    verifyEnvelope(releaseNow(), "release", keys, verifySignature);
  },
);

/** Checks a key set that we sign and one that OpenSSL signs. Returns the keys of the second one. */
async function keySetsSignedBothWays(type: string, byCommand: readonly string[]): Promise<TrustedKeys> {
  const init = ["keys", "init", "--product", "gateway", "--root", at("key.pub"), "--keys"];
  await run([...init, at("ours"), "--sign-key", at("key")]);
  await run([...init, at("theirs"), ...byCommand]);
  const [ours, theirs] = ["ours", "theirs"].map((folder) =>
    parseEnvelope(readFileSync(at(`${folder}/1.json`)), MESSAGE_SIZE_MAX.keys),
  );
  const keys = trustKeys(JSON.parse(Buffer.from(theirs!.payload).toString()) as KeySet);
  expect(verifiedByOpenssl("keys", ours!, type)).toMatch(/Verified OK|Signature Verified Successfully/);
  verifyEnvelope(theirs!, "keys", keys, verifySignature);
  return keys;
}

/** A key set of one key, which `keys` would not make for devices. */
function trustedAlone(file: string): TrustedKeys {
  const { keyid, alg, spki } = parsePublicKeyPem(readFileSync(file, "utf8"));
  const role = { keyids: [keyid], threshold: 1 };
  return trustKeys({
    ...{ keys: 1, product: "gateway", epoch: 1, issued_at: "2026-01-31T12:00:00Z", revoked: [] },
    roles: { root: role, release: role, offer: role },
    records: { [keyid]: { alg, spki: Buffer.from(spki).toString("base64") } },
  });
}

const MODULE = "/usr/lib/softhsm/libsofthsm2.so";
const hasToken = !isAbsent && existsSync(MODULE) && hasPrograms("softhsm2-util", "pkcs11-tool") && hasEngine();
const WITHOUT_TOKEN = hasToken ? "" : " (skipped: `apt-get install softhsm2 opensc libengine-pkcs11-openssl`)";

function hasPrograms(...programs: readonly string[]): boolean {
  return programs.every((program) => {
    try {
      execFileSync(program, ["--help"], { stdio: "ignore" });
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== "ENOENT";
    }
  });
}

function hasEngine(): boolean {
  try {
    return String(execFileSync(PROGRAM, ["engine", "pkcs11"], { stdio: ["ignore", "pipe", "ignore"] })).includes(
      "pkcs11",
    );
  } catch {
    return false;
  }
}

test.skipIf(!hasToken)(`a key that is in a PKCS #11 token signs a release${WITHOUT_TOKEN}`, async () => {
  mkdirSync(at("tokens"));
  writeFileSync(at("softhsm2.conf"), `directories.tokendir = ${at("tokens")}\n`);
  writeFileSync(at("pin.txt"), "1234");
  const token = { SOFTHSM2_CONF: at("softhsm2.conf"), PKCS11_MODULE_PATH: MODULE };
  const env = { ...process.env, ...token };
  const silent = { cwd: line.folder, env, stdio: "ignore" } as const;
  const [utility, tool] = ["softhsm2-util", "pkcs11-tool"];
  const pins = ["--pin", "1234", "--so-pin", "1234"];
  execFileSync(utility, ["--init-token", "--free", "--label", "tinybms", ...pins], silent);
  const inToken = ["--module", MODULE, "--token-label", "tinybms", "--login", "--pin", "1234", "--label", "release"];
  execFileSync(tool, [...inToken, "--keypairgen", "--key-type", "EC:prime256v1"], silent);
  execFileSync(tool, [...inToken, "--read-object", "--type", "pubkey", "-o", "release.der"], silent);
  openssl(["pkey", "-pubin", "-inform", "DER", "-in", "release.der", "-out", "release.pub"]);
  const uri = `pkcs11:token=tinybms;object=release;type=private?pin-source=${at("pin.txt")}`;
  const command = `openssl dgst -sha256 -engine pkcs11 -keyform engine -sign '${uri}'`;
  await run(packaged("--sign-public", at("release.pub"), "--sign-command", command), token);
  const [signature] = releaseNow().signatures;
  expect(signature).toMatchObject({ alg: "ecdsa-p256-sha256" });
});
