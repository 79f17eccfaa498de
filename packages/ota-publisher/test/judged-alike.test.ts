/** `package`, `validate` and `deploy` say the same of a file, and `package` before it writes. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { concatBytes, sha256, toHex } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createReleaseLine, type ReleaseLine, ROOT_MANIFEST } from "./release-line.ts";

const CASES = fileURLToPath(new URL("../../../test/fixtures/formats/", import.meta.url));
const IMAGE = buildAppImage({ version: "1.0", sizeBytes: 8192 });

let line: ReleaseLine;

beforeEach(() => {
  line = createReleaseLine();
});

afterEach(() => line.remove());

/** A release of a file that no command has judged. */
function writeRelease(bytes: Uint8Array, root: object): void {
  const folder = join(line.folder, "ota", "v");
  mkdirSync(folder);
  const artifact = { name: "gateway", filename: "a.bin", size: bytes.length, sha256: toHex(sha256(bytes)) };
  writeFileSync(join(folder, "a.bin"), bytes);
  writeFileSync(join(folder, "ota.json"), JSON.stringify({ version: "1.0", artifacts: [artifact] }));
  line.writeManifest({ ...root, versions: [{ id: "1.0", manifest: "v/ota.json" }] });
}

/** What each command ends with: its exit code and the code of the first error. */
async function verdictsOf(bytes: Uint8Array, root: object = ROOT_MANIFEST): Promise<Record<string, unknown>> {
  line.writeManifest(root);
  writeFileSync(line.binary, bytes);
  const packaged = await line.run(["package", "--binary", line.binary, "--version", "1.0", "--json"]);
  const written = readdirSync(join(line.folder, "ota"), { recursive: true });
  if (packaged.exitCode !== 0) expect(written).toEqual(["manifest.json"]);
  writeRelease(bytes, root);
  const validated = await line.run(["validate", "--json"]);
  const deployed = await line.run(["deploy", "--version", "1.0", "--dry-run", "--json"]);
  const { problems } = JSON.parse(validated.stdout);
  const fault = problems.find(({ severity }: { severity: string }) => severity === "error");
  return {
    package: [packaged.exitCode, JSON.parse(packaged.stdout).error?.code],
    validate: [validated.exitCode, fault?.code],
    deploy: [deployed.exitCode, JSON.parse(deployed.stdout).error?.code],
  };
}

const alike = (exitCode: number, code?: string): Record<string, unknown> => ({
  package: [exitCode, code],
  validate: [exitCode, code],
  deploy: [exitCode, code],
});

const signed = (bytes: Uint8Array, size: number, first: number): Uint8Array => {
  const end = new Uint8Array(size);
  end[0] = first;
  return concatBytes([bytes, end]);
};

test.for([
  ["a whole image", IMAGE, 0, undefined],
  ["one with a Secure Boot v2 signature", signed(IMAGE, 4096, 0xe7), 0, undefined],
  ["one padded to a flash sector", readFileSync(join(CASES, "F6-app-padded-with-ff-to-4096.bin")), 2, "image/invalid"],
  ["one followed by zeros", readFileSync(join(CASES, "F6-app-followed-by-256-zeros.bin")), 2, "image/invalid"],
  ["one with a Secure Boot v1 signature", signed(IMAGE, 68, 0), 2, "image/invalid"],
  ["one with two signature sectors", signed(signed(IMAGE, 4096, 0xe7), 4096, 0xe7), 2, "image/invalid"],
  ["one that is cut off", IMAGE.subarray(0, 5000), 2, "image/truncated"],
  ["one with a flipped bit", IMAGE.with(5000, (IMAGE[5000] ?? 0) ^ 1), 2, "image/checksum-mismatch"],
  ["one without a descriptor", IMAGE.with(32, 0), 2, "image/invalid"],
] as const)("judges %s alike", async ([, bytes, exitCode, code]) => {
  expect(await verdictsOf(bytes)).toEqual(alike(exitCode, code));
});

test("judges an image for another chip alike, also where no device installs it", async () => {
  const https = { url: "https://updates.example/firmware.bin" };
  const product = { name: "gateway", hardware: "esp32c3" };
  const root = { ...ROOT_MANIFEST, product, deployment: { channels: { https }, default_protocols: ["https"] } };
  expect(await verdictsOf(IMAGE, { ...ROOT_MANIFEST, product })).toEqual(alike(2, "package/wrong-chip"));
  line.remove();
  line = createReleaseLine();
  expect(await verdictsOf(IMAGE, root)).toEqual(alike(2, "package/wrong-chip"));
});

test("lets bytes behind an image go ways on which nobody installs it, with a warning", async () => {
  const https = { url: "https://updates.example/firmware.bin" };
  const root = { ...ROOT_MANIFEST, deployment: { channels: { https }, default_protocols: ["https"] } };
  expect(await verdictsOf(signed(IMAGE, 68, 0), root)).toEqual(alike(0));
  const warned = await line.run(["deploy", "--version", "1.0", "--dry-run"]);
  expect(warned.stderr).toContain("68 bytes follow the image");
});

test("names Secure Boot v1 and the way on for its signature", async () => {
  writeFileSync(line.binary, signed(IMAGE, 68, 0));
  const { stderr } = await line.run(["package", "--binary", line.binary]);
  expect(stderr).toMatch(/68 bytes follow the image.*\nhint: 68 bytes are a signature of Secure Boot v1/);
});
