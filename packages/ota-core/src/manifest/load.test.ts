import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { toHex } from "../bytes.ts";
import { isOtaError, type OtaError } from "../errors.ts";
import { buildAppImage } from "../image/build-app-image.ts";
import { sha256 } from "../sha256.ts";
import { loadRootManifest, loadVersion, verifyArtifact, verifyArtifacts } from "./load.ts";
import { validateReleaseLine } from "./validate-release-line.ts";

let folder = "";
let rootFile = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-load-"));
  rootFile = join(folder, "line", "manifest.json");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, content: string | Uint8Array | object): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === "string" || content instanceof Uint8Array ? content : JSON.stringify(content));
}

const FIRMWARE = buildAppImage({ sizeBytes: 4096 });

function artifact(change: object = {}): object {
  return {
    name: "gateway",
    filename: "gateway.bin",
    size: FIRMWARE.length,
    sha256: toHex(sha256(FIRMWARE)),
    ...change,
  };
}

/** Writes a whole release line of one version, with changes to each of its files. */
function writeLine({
  root = {},
  entry = {},
  version = {},
  artifacts = [artifact()],
}: {
  root?: object;
  entry?: object;
  version?: object;
  artifacts?: object[];
} = {}): void {
  write("line/manifest.json", {
    schema_version: 1,
    product: { name: "Gateway", hardware: "esp32" },
    deployment: { channels: { mqtt: { broker: "mqtt://localhost", topic: "t" } } },
    versions: [{ id: "1.0.0", manifest: "versions/1.0.0/ota.json", ...entry }],
    ...root,
  });
  write("line/versions/1.0.0/ota.json", { version: "1.0.0", artifacts, ...version });
  write("line/versions/1.0.0/gateway.bin", FIRMWARE);
  write("secret.bin", FIRMWARE);
}

async function errorOf(run: () => Promise<unknown>): Promise<OtaError> {
  const error: unknown = await run().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (isOtaError(error)) return error;
  throw new Error(`no OtaError: ${String(error)}`);
}

const load = async (version = "1.0.0") => loadVersion(await loadRootManifest(rootFile), version);
const loadAndVerify = async () => verifyArtifacts(await load());

test("a version is loaded with its artifacts' paths, channels and protocols, and its files are verified", async () => {
  writeLine({ version: { channels: { mqtt: { qos: 2 } } } });
  const loaded = await load();
  await verifyArtifacts(loaded);
  expect(loaded.artifacts).toMatchObject([
    {
      path: join(folder, "line/versions/1.0.0/gateway.bin"),
      channels: { mqtt: { broker: "mqtt://localhost", topic: "t", qos: 2 } },
      protocols: ["mqtt", "https"],
    },
  ]);
  expect(await validateReleaseLine(rootFile)).toEqual([]);
});

test("base_path is the folder of the artifacts", async () => {
  writeLine({ version: { base_path: "build/out" } });
  write("line/versions/1.0.0/build/out/gateway.bin", FIRMWARE);
  await loadAndVerify();
});

test("an upper-case hash is the same hash", async () => {
  writeLine({ artifacts: [artifact({ sha256: toHex(sha256(FIRMWARE)).toUpperCase() })] });
  await loadAndVerify();
});

test.for([
  ["a missing manifest", () => {}, "manifest/not-found", /manifest\.json: there is no such file/],
  ["a folder in its place", () => write("line/manifest.json/x", ""), "manifest/unreadable", /it is a folder/],
  [
    "a torn manifest",
    () => write("line/manifest.json", '{"schema_ver'),
    "manifest/syntax",
    /manifest\.json:1:13: the text ends inside a string/,
  ],
  ["an empty manifest", () => write("line/manifest.json", ""), "manifest/syntax", /:1:1: the text is empty/],
  [
    "a manifest that is not UTF-8",
    () => write("line/manifest.json", Uint8Array.of(0x7b, 0x0a, 0x20, 0xff)),
    "manifest/syntax",
    /:2:2: the text is not UTF-8/,
  ],
  [
    "a manifest larger than 1 MiB",
    () => write("line/manifest.json", " ".repeat(1024 * 1024 + 1)),
    "manifest/invalid",
    /at most 1048576/,
  ],
  [
    "a manifest of wrong types",
    () => writeLine({ root: { versions: [7] } }),
    "manifest/invalid",
    /\/versions\/0: versions\[0\] is a number; it must be an object/,
  ],
  [
    "a missing version manifest",
    () => writeLine({ entry: { manifest: "nowhere/ota.json" } }),
    "manifest/not-found",
    /nowhere\/ota\.json/,
  ],
  [
    "a version manifest of another version",
    () => writeLine({ version: { version: "2" } }),
    "manifest/invalid",
    /lists this file as "1\.0\.0"/,
  ],
  [
    "a missing file",
    () => writeLine({ artifacts: [artifact({ filename: "x.bin" })] }),
    "manifest/artifact-not-found",
    /artifact gateway: .*x\.bin: there is no such file/,
  ],
  [
    "a folder as file",
    () => writeLine({ artifacts: [artifact({ filename: "." })] }),
    "manifest/artifact-not-found",
    /it is a folder/,
  ],
  [
    "a wrong size",
    () => writeLine({ artifacts: [artifact({ size: 7 })] }),
    "manifest/artifact-mismatch",
    /the size of .*gateway\.bin is 4096; the manifest says 7/,
  ],
  [
    "a wrong hash",
    () => writeLine({ artifacts: [artifact({ sha256: "00".repeat(32) })] }),
    "manifest/artifact-mismatch",
    /the SHA-256 of .* is [0-9a-f]{64}; the manifest says 0{64}/,
  ],
  [
    "a file name that goes up",
    () => writeLine({ artifacts: [artifact({ filename: "../../../secret.bin" })] }),
    "manifest/path-escapes",
    /\/artifacts\/0\/filename: .* goes up with \.\./,
  ],
  [
    "a base_path that goes up",
    () => writeLine({ version: { base_path: "../../.." }, artifacts: [artifact({ filename: "secret.bin" })] }),
    "manifest/path-escapes",
    /\/base_path: /,
  ],
  [
    "an absolute file name",
    () => writeLine({ version: { base_path: "x" }, artifacts: [artifact({ filename: "/etc/hosts" })] }),
    "manifest/path-escapes",
    /is absolute/,
  ],
  [
    "a version manifest above the folder",
    () => writeLine({ entry: { manifest: "../ota.json" } }),
    "manifest/path-escapes",
    /\/versions\/0\/manifest: /,
  ],
] as const)("%s is refused", async ([, prepare, code, message]) => {
  prepare();
  const error = await errorOf(loadAndVerify);
  expect(error.code).toBe(code);
  expect(error.message).toMatch(message);
  const problems = await validateReleaseLine(rootFile);
  expect(problems.map((problem) => problem.code)).toContain(code);
});

test.skipIf(process.platform === "win32")("symbolic links of any kind must not leave the folder", async () => {
  writeLine({ artifacts: [artifact({ filename: "link/secret.bin" })] });
  symlinkSync(folder, join(folder, "line/versions/1.0.0/link"));
  expect((await errorOf(load)).message).toMatch(/leads out of its folder through a symbolic link/);
  writeLine({ artifacts: [artifact({ filename: "link/nowhere/x.bin" })] });
  expect((await errorOf(load)).code).toBe("manifest/path-escapes");

  writeLine({ artifacts: [artifact({ filename: "link.bin" })] });
  symlinkSync(join(folder, "secret.bin"), join(folder, "line/versions/1.0.0/link.bin"));
  expect((await errorOf(load)).code).toBe("manifest/path-escapes");

  writeLine({ artifacts: [artifact({ filename: "circle.bin" })] });
  symlinkSync("circle.bin", join(folder, "line/versions/1.0.0/circle.bin"));
  expect((await errorOf(load)).message).toMatch(/symbolic links form a loop/);

  writeLine({ artifacts: [artifact({ filename: "inside.bin" })] });
  symlinkSync("gateway.bin", join(folder, "line/versions/1.0.0/inside.bin"));
  await loadAndVerify();
});

test.skipIf(process.platform === "win32")("a device or a pipe is refused without reading it", async () => {
  expect((await errorOf(() => loadRootManifest("/dev/zero"))).message).toMatch(/it is not a regular file/);
  writeLine({ artifacts: [artifact({ filename: "zero.bin" })] });
  const { file, manifest } = await load();
  const [first] = manifest.artifacts;
  expect((await errorOf(() => verifyArtifact(file, first!, "/dev/zero"))).message).toMatch(/it is not a regular file/);
});

test("an unknown version is refused with the existing versions and the nearest one", async () => {
  writeLine();
  const error = await errorOf(() => load("1.0.1"));
  expect(error).toMatchObject({
    code: "manifest/unknown-version",
    details: { version: "1.0.1", known: ["1.0.0"] },
    hint: "did you mean 1.0.0?",
  });
  expect(error.message).toMatch(/manifest\.json has no version "1\.0\.1"; it has 1\.0\.0$/);
});

test.each([
  ["1.0.0-RC1", /differs only in case from "1\.0\.0-rc1"/],
  ["1.0.0-rc1", /has the id of versions\[0\]/],
])("a version that is listed beside %s can't be loaded", async (other, message) => {
  const manifest = "versions/1.0.0/ota.json";
  const versions = ["1.0.0-rc1", other, "2.0.0"].map((id) => ({ id, manifest }));
  writeLine({ root: { versions }, version: { version: "1.0.0-rc1" } });
  const error = await errorOf(() => load("1.0.0-rc1"));
  expect(error.code).toBe("manifest/invalid");
  expect(error.message).toMatch(message);

  write("line/versions/1.0.0/ota.json", { version: "2.0.0", artifacts: [artifact()] });
  await load("2.0.0");
});
