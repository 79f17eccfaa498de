import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type BenchKey, benchKeySet, createBenchKey } from "../../test/bench-keys.ts";
import { concatBytes, toHex } from "../bytes.ts";
import { buildAppImage } from "../image/build-app-image.ts";
import { validateReleaseLine } from "../manifest/validate-release-line.ts";
import { parseEnvelope } from "../messages/envelope.ts";
import { buildHashList } from "../messages/hash-list.ts";
import { parseRelease } from "../messages/release.ts";
import { sha256 } from "../sha256.ts";
import type { Signer } from "../signing/sign-envelope.ts";
import { verifySignature } from "../signing/signature-verifier.ts";
import { trustKeys } from "../signing/trusted-keys.ts";
import { verifyEnvelope } from "../signing/verify-envelope.ts";
import type { PackageOptions, PackageResult } from "./package-options.ts";
import { packageRelease } from "./package-release.ts";

const IMAGE = buildAppImage({ version: "1.2.3", projectName: "gateway", secureVersion: 2, sizeBytes: 40_000 });
const [A, B] = [createBenchKey(), createBenchKey()];
const KEYS = trustKeys(benchKeySet({ root: [[A], 1], release: [[A, B], 2], offer: [[A], 1] }));
const signer =
  (key: BenchKey): Signer =>
  async (message) => ({ key, signature: key.sign(message) });

let folder = "";
let manifest = "";
let binary = "";
let file = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-sign-release-"));
  mkdirSync(join(folder, "ota"));
  manifest = join(folder, "ota", "manifest.json");
  binary = join(folder, "gateway.bin");
  file = join(folder, "ota", "versions", "1.2.3", "release.json");
  writeFileSync(binary, IMAGE);
  writeRoot("Gateway");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function writeRoot(name: string): void {
  writeFileSync(manifest, JSON.stringify({ schema_version: 1, product: { name, hardware: "esp32" }, versions: [] }));
}

let clock = 0;

function packageIt(keys: readonly BenchKey[], options: Partial<PackageOptions> = {}): Promise<PackageResult> {
  const now = (): Date => new Date(Date.UTC(2026, 0, 31, 12, 0, clock++));
  return packageRelease({ manifest, binary, now, signers: keys.map(signer), ...options });
}

const signers = (): readonly string[] => parseEnvelope(readFileSync(file)).signatures.map(({ keyid }) => keyid);
const namesThere = (): readonly string[] => readdirSync(join(folder, "ota/versions/1.2.3")).sort();

test("a signed release states what a device checks of the image, and the manifest's product", async () => {
  const { changes } = await packageIt([A, B]);
  expect(changes.map(({ path }) => path.split("/").at(-1))).toEqual(["Gateway-1.2.3.bin", "release.json", "ota.json"]);
  const { payload } = verifyEnvelope(parseEnvelope(readFileSync(file)), "release", KEYS, verifySignature);
  const { created_at } = JSON.parse(readFileSync(join(file, "../ota.json"), "utf8"));
  expect(parseRelease(payload)).toEqual({
    release: 1,
    product: "Gateway",
    hardware: "esp32",
    version: "1.2.3",
    created_at: new Date(created_at).toISOString(),
    image: {
      sha256: toHex(sha256(IMAGE)),
      size: IMAGE.length,
      chunk_size: 4096,
      hash_list_sha256: toHex(sha256(buildHashList(IMAGE))),
      secure_version: 2,
      chip_id: 0,
    },
  });
});

test("packaging the same bytes with the same key again changes nothing, even with ECDSA", async () => {
  await packageIt([A]);
  const before = readFileSync(file);
  expect((await packageIt([A])).changes).toEqual([]);
  expect((await packageIt([])).changes).toEqual([]);
  expect(readFileSync(file)).toEqual(before);
});

test("several people can sign one release one after the other", async () => {
  await packageIt([A]);
  expect((await packageIt([B])).changes).toEqual([{ path: file, action: "replace" }]);
  expect(signers()).toEqual([A.keyid, B.keyid]);
  expect((await packageIt([A])).changes).toEqual([]);
  verifyEnvelope(parseEnvelope(readFileSync(file)), "release", KEYS, verifySignature);
});

test("an invalid signature is replaced", async () => {
  await packageIt([A]);
  const { payload, signatures } = JSON.parse(readFileSync(file, "utf8"));
  const [{ sig }] = signatures;
  writeFileSync(
    file,
    JSON.stringify({ payload, signatures: [{ ...signatures[0], sig: `${sig.slice(0, -8)}AAAAAAA=` }] }),
  );
  await packageIt([A, B]);
  verifyEnvelope(parseEnvelope(readFileSync(file)), "release", KEYS, verifySignature);
});

test("a release.json of another product or other bytes is not signed again", async () => {
  await packageIt([A, B]);
  writeRoot("Other");
  await packageIt([B], { project: "Gateway" });
  expect(signers()).toEqual([B.keyid]);
  writeFileSync(binary, buildAppImage({ version: "1.2.3", seed: 7, sizeBytes: 8192 }));
  await packageIt([A], { force: true, project: "Gateway" });
  expect(signers()).toEqual([A.keyid]);
});

test("a forced release without a signer leaves no signature over other bytes", async () => {
  await packageIt([A]);
  writeFileSync(binary, buildAppImage({ version: "1.2.3", seed: 7, sizeBytes: 8192 }));
  const { changes } = await packageIt([], { force: true });
  expect(changes).toContainEqual({ path: file, action: "remove" });
  expect(namesThere()).not.toContain("release.json");
});

test("a damaged release.json is replaced when it is signed", async () => {
  await packageIt([A]);
  writeFileSync(file, "{");
  await packageIt([A]);
  expect(signers()).toEqual([A.keyid]);
});

test("a dry run signs and writes nothing", async () => {
  const { changes } = await packageIt([A], { dryRun: true });
  expect(changes).toContainEqual({ path: file, action: "create" });
  expect(readdirSync(join(folder, "ota"))).toEqual(["manifest.json"]);
});

test("a signer that fails leaves nothing behind", async () => {
  const broken: Signer = () => Promise.reject(new Error("card absent"));
  await expect(packageIt([], { signers: [broken] })).rejects.toThrow("card absent");
  expect(readdirSync(join(folder, "ota"))).toEqual(["manifest.json"]);
});

test("an image followed by more than a signature is not signed for any protocol", async () => {
  writeFileSync(binary, concatBytes([IMAGE, new Uint8Array(100)]));
  const root = JSON.parse(readFileSync(manifest, "utf8"));
  writeFileSync(manifest, JSON.stringify({ ...root, deployment: { default_protocols: ["https"] } }));
  await expect(packageIt([A])).rejects.toMatchObject({ code: "image/invalid" });
  expect((await packageIt([])).changes.length).toBe(2);
});

test("validate finds a signed release that contradicts the release line", async () => {
  await packageIt([A], { updateManifest: true });
  const ofReleases = (await validateReleaseLine(manifest)).filter(({ path }) => path.includes("release.json"));
  expect(ofReleases).toEqual([]);
  const { versions } = JSON.parse(readFileSync(manifest, "utf8"));
  writeFileSync(
    manifest,
    JSON.stringify({ schema_version: 1, product: { name: "Other", hardware: "esp32s3" }, versions }),
  );
  const other = readFileSync(join(file, "../ota.json"), "utf8").replace(toHex(sha256(IMAGE)), "0".repeat(64));
  writeFileSync(join(file, "../ota.json"), other);
  const problems = (await validateReleaseLine(manifest)).filter(({ code }) => code.startsWith("signing/"));
  expect(problems.map(({ code, path, message }) => `${code} ${path} ${message.slice(0, 30)}`)).toEqual([
    'signing/release-mismatch versions/1.2.3/release.json# its product is "Gateway", and ',
    'signing/release-mismatch versions/1.2.3/release.json# its hardware is "esp32", and m',
    `signing/release-mismatch versions/1.2.3/release.json# its image.sha256 is "${toHex(sha256(IMAGE)).slice(0, 9)}`,
  ]);
  writeFileSync(file, "{");
  const damaged = (await validateReleaseLine(manifest)).filter(({ path }) => path.includes("release.json"));
  expect(damaged.map(({ code }) => code)).toEqual(["signing/release-malformed"]);
});

test("refuses signatures that leave an offer no room, and writes nothing", async () => {
  const large = createBenchKey("rsa");
  const signature = new Uint8Array(512);
  const keys = Array.from({ length: 3 }, () => createBenchKey());
  const padded = keys.map((key) => async () => ({ key: { ...key, alg: large.alg }, signature }));
  await expect(packageIt([], { signers: padded })).rejects.toThrow(
    expect.objectContaining({
      code: "protocol/too-large",
      message: expect.stringMatching(/^the release has \d{4} bytes with its signatures; an offer has room for 2560$/),
      hint: expect.stringContaining("ECDSA P-256"),
    }),
  );
  expect(readdirSync(join(folder, "ota"))).toEqual(["manifest.json"]);
});
