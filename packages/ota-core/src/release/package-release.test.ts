import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { toHex } from "../bytes.ts";
import { isOtaError, type OtaError } from "../errors.ts";
import { buildAppImage } from "../image/build-app-image.ts";
import { loadRootManifest, loadVersion, verifyArtifacts } from "../manifest/load.ts";
import { validateReleaseLine } from "../manifest/validate-release-line.ts";
import { sha256 } from "../sha256.ts";
import type { PackageOptions, PackageResult } from "./package-options.ts";
import { packageRelease } from "./package-release.ts";

const IMAGE = buildAppImage({
  version: "1.2.3",
  projectName: "gateway",
  idfVersion: "v5.5",
  secureVersion: 2,
  sizeBytes: 40_000,
});
const ROOT = {
  schema_version: 1,
  product: { name: "Gateway", hardware: "esp32" },
  deployment: { channels: { mqtt: { broker: "mqtt://localhost", topic: "t", password: "hunter2" } } },
  versions: [],
};

let folder = "";
let manifest = "";
let binary = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-package-"));
  mkdirSync(join(folder, "ota"));
  manifest = join(folder, "ota", "manifest.json");
  binary = join(folder, "gateway.bin");
  writeRoot(ROOT);
  writeFileSync(binary, IMAGE);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function writeRoot(document: object): void {
  writeFileSync(manifest, `${JSON.stringify(document, null, 2)}\n`);
}

function packageIt(options: Partial<PackageOptions> = {}): Promise<PackageResult> {
  return packageRelease({ manifest, binary, now: () => new Date("2026-01-31T12:00:00.789Z"), ...options });
}

/** Every path below `ota/` with the text or the size of its file: what a refusal must not change. */
function snapshot(): Record<string, string> {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    paths.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [
        relative(folder, path),
        entry.isFile() ? toHex(sha256(readFileSync(path))) + statSync(path).mtimeMs : "folder",
      ];
    }),
  );
}

/** What makes the release line invalid; that it warns of a password is not our concern here. */
async function faultsOfLine(): Promise<unknown[]> {
  return (await validateReleaseLine(manifest)).filter(({ severity }) => severity === "error");
}

async function errorOf(run: () => Promise<unknown>): Promise<OtaError> {
  const error: unknown = await run().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (isOtaError(error)) return error;
  throw new Error(`no OtaError: ${String(error)}`);
}

test("a build becomes a release that loads, verifies and validates", async () => {
  const result = await packageIt({ updateManifest: true, label: "First" });
  const path = join(folder, "ota/versions/1.2.3/Gateway-1.2.3.bin");
  expect(result).toEqual({
    version: "1.2.3",
    dryRun: false,
    manifest,
    versionManifest: join(folder, "ota/versions/1.2.3/ota.json"),
    manifestUpdated: true,
    artifacts: [
      {
        name: "Gateway",
        filename: "Gateway-1.2.3.bin",
        path,
        size: IMAGE.length,
        sha256: toHex(sha256(IMAGE)),
        protocols: ["mqtt", "https"],
        image: { chip: "esp32", projectName: "gateway", appVersion: "1.2.3", idfVersion: "v5.5", secureVersion: 2 },
      },
    ],
    changes: [
      { path, action: "create" },
      { path: join(folder, "ota/versions/1.2.3/ota.json"), action: "create" },
      { path: manifest, action: "edit" },
    ],
    warnings: [],
  });
  const root = await loadRootManifest(manifest);
  expect(root.manifest.versions).toEqual([{ id: "1.2.3", manifest: "versions/1.2.3/ota.json", label: "First" }]);
  await verifyArtifacts(await loadVersion(root, "1.2.3"));
  expect(await faultsOfLine()).toEqual([]);
  expect(new Uint8Array(readFileSync(path))).toEqual(IMAGE);
});

test("ota.json holds the release and no copy of the root's channels", async () => {
  const { versionManifest } = await packageIt();
  expect(readFileSync(versionManifest, "utf8")).toBe(`{
  "version": "1.2.3",
  "created_at": "2026-01-31T12:00:00Z",
  "artifacts": [
    {
      "name": "Gateway",
      "filename": "Gateway-1.2.3.bin",
      "size": ${IMAGE.length},
      "sha256": "${toHex(sha256(IMAGE))}",
      "protocols": ["mqtt", "https"]
    }
  ]
}
`);
});

test("packaging the same bytes again changes no file; a new label changes only the label", async () => {
  await packageIt({ updateManifest: true });
  const before = snapshot();
  const again = await packageIt({ updateManifest: true, now: () => new Date() });
  expect(again).toMatchObject({ manifestUpdated: false, changes: [] });
  expect(snapshot()).toEqual(before);
  expect((await packageIt({ updateManifest: true, label: "L" })).changes).toEqual([{ path: manifest, action: "edit" }]);
});

test("refuses other bytes under a released version, with both hashes and two solutions", async () => {
  await packageIt({ updateManifest: true });
  writeFileSync(binary, buildAppImage({ version: "1.2.3", seed: 2 }));
  const before = snapshot();
  for (const options of [{ updateManifest: true }, {}, { dryRun: true }, { artifactName: "other.bin" }]) {
    const error = await errorOf(() => packageIt(options));
    expect(error).toMatchObject({
      code: "package/already-released",
      details: { version: "1.2.3", released: toHex(sha256(IMAGE)), found: toHex(sha256(readFileSync(binary))) },
      hint: expect.stringMatching(/version of its own; --force/),
    });
    expect(snapshot()).toEqual(before);
  }
});

test("refuses other bytes also under another file name or in another folder", async () => {
  await packageIt({ updateManifest: true });
  const before = snapshot();
  expect((await errorOf(() => packageIt({ project: "other" }))).message).toMatch(/with "Gateway" and no "other"/);
  writeFileSync(binary, buildAppImage({ version: "1.2.3", seed: 2 }));
  const output = join(folder, "ota", "elsewhere");
  expect((await errorOf(() => packageIt({ output, updateManifest: true }))).code).toBe("package/already-released");
  writeFileSync(binary, IMAGE);
  expect(snapshot()).toMatchObject({ ...before, "gateway.bin": expect.any(String) });
  await packageIt({ output, updateManifest: true });
  expect(await faultsOfLine()).toEqual([]);
});

test("--force writes the release next to the old file and keeps edited values in ota.json", async () => {
  const { versionManifest, artifacts: earlier } = await packageIt();
  const edited = JSON.parse(readFileSync(versionManifest, "utf8"));
  edited.channels = { mqtt: { qos: 2 } };
  edited.notes = "by hand";
  edited.artifacts[0].protocols = ["serial"];
  writeFileSync(versionManifest, JSON.stringify(edited));
  writeFileSync(binary, buildAppImage({ version: "1.2.3", seed: 2 }));
  const digest = toHex(sha256(readFileSync(binary)));
  const { artifacts, changes } = await packageIt({ updateManifest: true, force: true });
  expect(artifacts).toMatchObject([
    { protocols: ["serial"], sha256: digest, filename: `Gateway-1.2.3-${digest.slice(0, 8)}.bin` },
  ]);
  expect(changes.map(({ action }) => action)).toEqual(["create", "replace", "edit", "remove"]);
  expect(changes.at(-1)?.path).toBe(earlier[0]!.path);
  expect(existsSync(earlier[0]!.path)).toBe(false);
  expect(JSON.parse(readFileSync(versionManifest, "utf8"))).toMatchObject({
    channels: { mqtt: { qos: 2 } },
    notes: "by hand",
  });
  expect(await faultsOfLine()).toEqual([]);

  const after = snapshot();
  expect((await packageIt({ updateManifest: true })).changes).toEqual([]);
  expect(snapshot()).toEqual(after);

  writeFileSync(binary, IMAGE);
  expect((await packageIt({ force: true })).artifacts[0]!.path).toBe(earlier[0]!.path);
  expect(readdirSync(join(folder, "ota/versions/1.2.3")).sort()).toEqual(["Gateway-1.2.3.bin", "ota.json"]);
});

test("other artifacts of a release stay, also with a base_path", async () => {
  const { versionManifest, artifacts } = await packageIt({ updateManifest: true });
  const edited = JSON.parse(readFileSync(versionManifest, "utf8"));
  edited.artifacts.push({ ...edited.artifacts[0], name: "second", filename: "second.bin" });
  edited.base_path = "files";
  writeFileSync(versionManifest, JSON.stringify(edited));
  mkdirSync(join(folder, "ota/versions/1.2.3/files"));
  rmSync(artifacts[0]!.path);
  for (const name of ["Gateway-1.2.3.bin", "second.bin"])
    writeFileSync(join(folder, "ota/versions/1.2.3/files", name), IMAGE);
  expect((await packageIt()).changes).toEqual([]);
  writeFileSync(binary, buildAppImage({ version: "1.2.3", seed: 2 }));
  const forced = await packageIt({ force: true });
  expect(relative(folder, forced.artifacts[0]!.path)).toMatch(
    /^ota.versions.1\.2\.3.files.Gateway-1\.2\.3-[0-9a-f]{8}\.bin$/,
  );
  expect(JSON.parse(readFileSync(versionManifest, "utf8")).artifacts).toMatchObject([
    { name: "Gateway" },
    { name: "second" },
  ]);
  expect(await faultsOfLine()).toEqual([]);
});

test("a truncated version manifest is replaced, an invalid one only with --force", async () => {
  const { versionManifest } = await packageIt({ updateManifest: true });
  const whole = readFileSync(versionManifest, "utf8");
  writeFileSync(versionManifest, whole.slice(0, 100));
  expect((await packageIt()).changes).toEqual([{ path: versionManifest, action: "replace" }]);
  writeFileSync(versionManifest, '{ "version": "1.2.3", "artifacts": "none" }');
  expect(await errorOf(() => packageIt())).toMatchObject({
    code: "manifest/invalid",
    hint: expect.stringContaining("--force"),
  });
  await packageIt({ force: true });
  expect(readFileSync(versionManifest, "utf8")).toBe(whole);
});

test("a damaged copy is repaired", async () => {
  const { artifacts, versionManifest } = await packageIt({ updateManifest: true });
  const text = readFileSync(versionManifest, "utf8");
  writeFileSync(artifacts[0]!.path, "damaged");
  expect((await packageIt({ updateManifest: true })).changes).toEqual([
    { path: artifacts[0]!.path, action: "replace" },
  ]);
  expect(readFileSync(versionManifest, "utf8")).toBe(text);
  expect(await faultsOfLine()).toEqual([]);
});

test("every option of the original scripts has the same meaning", async () => {
  const output = join(folder, "ota", "releases");
  const result = await packageIt({
    version: "2.0",
    project: "other",
    output,
    artifactName: "fw.bin",
    updateManifest: true,
  });
  expect(result.artifacts[0]).toMatchObject({ name: "other", filename: "fw.bin", path: join(output, "2.0", "fw.bin") });
  expect((await loadRootManifest(manifest)).manifest.versions).toEqual([
    { id: "2.0", manifest: "releases/2.0/ota.json" },
  ]);
  expect(result.warnings).toEqual(["the version given is 2.0, but the image's app descriptor says 1.2.3"]);
});

test("without a product name the artifact is called firmware", async () => {
  writeRoot({ ...ROOT, product: {} });
  expect((await packageIt()).artifacts[0]).toMatchObject({ name: "firmware", filename: "firmware-1.2.3.bin" });
});

test("an output outside the manifest's folder works, but not with an entry in the manifest", async () => {
  const output = join(folder, "elsewhere");
  await packageIt({ output });
  expect(existsSync(join(output, "1.2.3", "ota.json"))).toBe(true);
  const before = snapshot();
  const error = await errorOf(() => packageIt({ output, updateManifest: true }));
  expect(error).toMatchObject({
    code: "package/output-outside",
    hint: expect.stringContaining("leave out --update-manifest"),
  });
  expect(snapshot()).toEqual(before);
});

test.skipIf(process.platform === "win32")(
  "an output that leaves the manifest's folder through a link is outside",
  async () => {
    mkdirSync(join(folder, "elsewhere"));
    symlinkSync(join(folder, "elsewhere"), join(folder, "ota", "versions"));
    expect((await errorOf(() => packageIt({ updateManifest: true }))).code).toBe("package/output-outside");
  },
);

test("a dry run reports what it would write and writes no file or folder", async () => {
  const before = snapshot();
  const result = await packageIt({ dryRun: true, updateManifest: true });
  expect(result).toMatchObject({ dryRun: true, manifestUpdated: false, version: "1.2.3" });
  expect(result.changes.map(({ path }) => basename(path))).toEqual(["Gateway-1.2.3.bin", "ota.json", "manifest.json"]);
  expect(snapshot()).toEqual(before);
});

const flipped = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));

test.for([
  ["missing", undefined, "package/binary-not-found", /gateway\.bin: there is no such file/],
  ["empty", new Uint8Array(), "image/truncated", /gateway\.bin: the file is empty/],
  [
    "text",
    new TextEncoder().encode("#!/bin/sh\necho this is no firmware, whatever its name says\n"),
    "image/bad-magic",
    /gateway\.bin: /,
  ],
  ["truncated", IMAGE.slice(0, 20_000), "image/truncated", /gateway\.bin: /],
  ["damaged in a segment", flipped(IMAGE, 10_000), "image/checksum-mismatch", /gateway\.bin: the checksum/],
  ["damaged in its hash", flipped(IMAGE, IMAGE.length - 1), "image/hash-mismatch", /gateway\.bin: the SHA-256/],
  ["no app", flipped(IMAGE, 32), "image/invalid", /gateway\.bin: no app descriptor/],
] as const)("a binary that is %s is refused, and nothing is written", async ([, bytes, code, message]) => {
  rmSync(binary);
  if (bytes !== undefined) writeFileSync(binary, bytes);
  const before = snapshot();
  const error = await errorOf(() => packageIt({ updateManifest: true }));
  expect(error.code).toBe(code);
  expect(error.message).toMatch(message);
  expect(error.hint).toContain("build/<project>.bin");
  expect(snapshot()).toEqual(before);
});

test("a folder as binary is refused", async () => {
  expect((await errorOf(() => packageIt({ binary: folder }))).message).toMatch(/can't be read: it is a folder/);
});

test("an image for an excluded chip is refused; hardware esp32 accepts any chip with a warning", async () => {
  writeFileSync(binary, buildAppImage({ chip: "esp32s3", version: "1.0" }));
  expect((await packageIt({ version: "1" })).warnings.slice(0, 1)).toEqual([
    'product.hardware esp32 means the whole family, and this image is for esp32s3: "hardware": "esp32s3" would refuse images for other chips',
  ]);
  writeRoot({ ...ROOT, product: { hardware: "ESP32-C3" } });
  const before = snapshot();
  const error = await errorOf(() => packageIt({ updateManifest: true }));
  expect(error).toMatchObject({ code: "package/wrong-chip", details: { chip: "esp32s3", hardware: "ESP32-C3" } });
  expect(snapshot()).toEqual(before);
  writeRoot({ ...ROOT, product: { hardware: "esp32s3" } });
  expect((await packageIt()).warnings).toEqual([]);
  writeRoot({ ...ROOT, product: { hardware: "our own board" } });
  expect((await packageIt()).warnings).toEqual([]);
});

test.for([
  [{ version: "../1.0" }, "package/version-invalid"],
  [{ version: "" }, "package/version-invalid"],
  [{ version: "a\0b" }, "package/version-invalid"],
  [{ version: "nul" }, "package/version-invalid"],
  [{ version: "1".repeat(129) }, "package/version-invalid"],
  [{ artifactName: "../x.bin" }, "package/name-invalid"],
  [{ artifactName: "/etc/passwd" }, "package/name-invalid"],
  [{ artifactName: "C:\\x.bin" }, "package/name-invalid"],
  [{ artifactName: "OTA.json" }, "package/name-invalid"],
  [{ project: "a/b" }, "package/name-invalid"],
  [{ project: "" }, "package/name-invalid"],
] as const)("%j is refused as %s, and nothing is written", async ([options, code]) => {
  const before = snapshot();
  expect((await errorOf(() => packageIt({ ...options, updateManifest: true }))).code).toBe(code);
  expect(snapshot()).toEqual(before);
});

test("an image whose version is empty or not a valid folder name needs --version", async () => {
  writeFileSync(binary, buildAppImage({ version: "" }));
  expect((await errorOf(packageIt)).code).toBe("package/version-unknown");
  writeFileSync(binary, buildAppImage({ version: "feature/x" }));
  expect((await errorOf(packageIt)).message).toMatch(/"feature\/x" of the app descriptor of .* holds a path separator/);
  expect((await packageIt({ version: "1" })).version).toBe("1");
});

test.for([
  ["missing", () => rmSync(manifest), "manifest/not-found"],
  ["torn", () => writeFileSync(manifest, '{"schema_version": 1, "prod'), "manifest/syntax"],
  ["of another schema version", () => writeRoot({ ...ROOT, schema_version: 3 }), "manifest/schema-version"],
  ["of wrong types", () => writeRoot({ ...ROOT, versions: null }), "manifest/invalid"],
] as const)("a root manifest that is %s is refused, and nothing is written", async ([, prepare, code]) => {
  prepare();
  const before = snapshot();
  expect((await errorOf(() => packageIt({ updateManifest: true }))).code).toBe(code);
  expect(snapshot()).toEqual(before);
});

test("a file in place of a folder fails and leaves nothing behind", async () => {
  writeFileSync(join(folder, "ota", "versions"), "");
  const before = snapshot();
  const error = await errorOf(() => packageIt());
  expect(error.code).toBe("package/write-failed");
  expect(snapshot()).toEqual(before);
});

test("if ota.json can't be written, the copy and its new folders are removed", async () => {
  const output = join(folder, "ota", "a", "b");
  const before = snapshot();
  const now = (): Date => {
    mkdirSync(join(output, "1.2.3", "ota.json"), { recursive: true });
    return new Date(0);
  };
  const error = await errorOf(() => packageIt({ output, now }));
  expect(error).toMatchObject({
    code: "package/write-failed",
    message: expect.stringMatching(/ota\.json can't be written: it is a folder/),
  });
  expect(readdirSync(join(output, "1.2.3"))).toEqual(["ota.json"]);
  rmSync(join(folder, "ota", "a"), { recursive: true });
  expect(snapshot()).toEqual(before);
});

test("a binary that changes after its check is refused, and unfinished files are removed", async () => {
  const before = snapshot();
  const now = (): Date => {
    writeFileSync(binary, buildAppImage({ version: "1.2.3", seed: 3 }));
    return new Date(0);
  };
  expect((await errorOf(() => packageIt({ now, updateManifest: true }))).message).toMatch(/changed while it was read/);
  expect(Object.keys(snapshot())).toEqual(Object.keys(before));
});

test("an abort at any moment leaves the old state or the new one, and no other files", async () => {
  const before = snapshot();
  const outcomes = new Set<string>();
  for (let turns = 0; !outcomes.has("done"); turns += 1 + Math.trunc(turns / 20)) {
    const controller = new AbortController();
    const running = packageIt({ updateManifest: true, signal: controller.signal });
    const outcome = running.then(
      () => undefined,
      (error: unknown) => error,
    );
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    const reason = await outcome;
    outcomes.add(reason === undefined ? "done" : "aborted");
    if (reason === undefined) continue;
    expect(reason).toBe(controller.signal.reason);
    expect(Object.keys(snapshot()), `after ${turns} turns`).toEqual(Object.keys(before));
    expect(await faultsOfLine()).toEqual([]);
  }
  expect([...outcomes]).toEqual(["aborted", "done"]);
  expect(await faultsOfLine()).toEqual([]);
  expect(Object.keys(snapshot()).filter((path) => path.endsWith(".tmp"))).toEqual([]);
});

test.skipIf(process.platform === "win32")(
  "the root manifest keeps its permissions and stays a symbolic link",
  async () => {
    rmSync(manifest);
    const target = join(folder, "ota", "real.json");
    writeFileSync(target, JSON.stringify(ROOT));
    chmodSync(target, 0o640);
    symlinkSync("real.json", manifest);
    await packageIt({ updateManifest: true });
    expect(statSync(target).mode & 0o777).toBe(0o640);
    expect(JSON.parse(readFileSync(target, "utf8")).versions.length).toBe(1);
  },
);

test("versions with any names, packaged one after the other, are all present", async () => {
  const name = fc.string({ minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(name, { minLength: 1, maxLength: 3, selector: (text) => text.toLowerCase() }),
      async (versions) => {
        rmSync(join(folder, "ota", "versions"), { recursive: true, force: true });
        writeRoot(ROOT);
        const released: string[] = [];
        for (const version of versions) {
          try {
            await packageIt({ version, updateManifest: true });
            released.push(version);
          } catch (error) {
            expect(isOtaError(error, "package/version-invalid"), String(error)).toBe(true);
          }
        }
        expect((await loadRootManifest(manifest)).manifest.versions.map(({ id }) => id)).toEqual(released);
        expect(await faultsOfLine()).toEqual([]);
      },
    ),
    { numRuns: 30 },
  );
});

test("a version that differs only in case from one in the manifest or in the folder is refused", async () => {
  await packageIt({ version: "1.0-rc" });
  const before = snapshot();
  const error = await errorOf(() => packageIt({ version: "1.0-RC", updateManifest: true }));
  expect(error).toMatchObject({
    code: "package/version-invalid",
    hint: expect.stringContaining("package it as 1.0-rc"),
  });
  expect(snapshot()).toEqual(before);
  writeRoot({ ...ROOT, versions: [{ id: "2.0-Beta", manifest: "elsewhere/ota.json" }] });
  expect((await errorOf(() => packageIt({ version: "2.0-beta" }))).code).toBe("package/version-invalid");
});
