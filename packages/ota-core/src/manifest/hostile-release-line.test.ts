import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, sep } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { toHex, utf8 } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import { buildAppImage } from "../image/build-app-image.ts";
import { sha256 } from "../sha256.ts";
import { channelsFromEnvironment } from "./environment.ts";
import { loadRootManifest, loadVersion, verifyArtifacts } from "./load.ts";
import { addVersion } from "./update.ts";
import { validateReleaseLine } from "./validate-release-line.ts";

/** Every path that was opened or asked for its size. */
const { touched } = vi.hoisted(() => ({ touched: [] as string[] }));

function recorded<Arguments extends unknown[], Result>(call: (path: string, ...rest: Arguments) => Result) {
  return (path: string, ...rest: Arguments): Result => {
    touched.push(path);
    return call(path, ...rest);
  };
}

vi.mock("node:fs", async (original) => {
  const real = await original<typeof import("node:fs")>();
  return { ...real, openSync: recorded(real.openSync), statSync: recorded(real.statSync) };
});

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  return { ...real, open: recorded(real.open), stat: recorded(real.stat), readFile: recorded(real.readFile) };
});

/** Everything lies in here; the release line in `line/`, what it must not reach beside it. */
let folder = "";
let rootFile = "";

const IMAGE = buildAppImage({ sizeBytes: 1024 });
/** Stands in every file outside the line; no message may repeat it. */
const OUTSIDE = "never to be read";
const SECRET = "pl4nted-s3cret";

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "tinybms-hostile-")));
  rootFile = join(folder, "line", "manifest.json");
  const versionFolder = join(folder, "line", "versions", "1");
  mkdirSync(join(versionFolder, "build"), { recursive: true });
  mkdirSync(join(folder, "outside"));
  for (const name of ["outside/ota.json", "outside/a.bin", "secret.bin"]) writeFileSync(join(folder, name), OUTSIDE);
  for (const name of ["a.bin", "build/a.bin"]) writeFileSync(join(versionFolder, name), IMAGE);
  if (process.platform === "win32") return;
  symlinkSync(join(folder, "outside"), join(folder, "line", "out"));
  symlinkSync("../../../outside", join(versionFolder, "up"));
  symlinkSync(join(folder, "secret.bin"), join(versionFolder, "link.bin"));
  symlinkSync("circle", join(versionFolder, "circle"));
  symlinkSync("a.bin", join(versionFolder, "inside.bin"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const soundRoot = (): Json => ({
  schema_version: 1,
  documentation: "docs/ota.md",
  product: { name: "Gateway", hardware: "esp32" },
  deployment: {
    channels: {
      mqtt: { broker: `mqtt://ops:${SECRET}@localhost`, topic: "t", password: SECRET },
      https: { url: `https://host/x?token=${SECRET}`, headers: { Authorization: `Bearer ${SECRET}` }, timeout: 30 },
    },
    default_protocols: ["mqtt", "https"],
  },
  versions: [{ id: "1", manifest: "versions/1/ota.json", label: "first" }],
});

const soundVersion = (): Json => ({
  version: "1",
  created_at: "2026-01-31T12:00:00.000001+00:00",
  base_path: ".",
  channels: { mqtt: { qos: 1 } },
  artifacts: [
    {
      name: "gateway",
      filename: "a.bin",
      size: IMAGE.length,
      sha256: toHex(sha256(IMAGE)),
      protocols: ["mqtt"],
      channels: { mqtt: { username: "$USER" } },
    },
  ],
});

const path = fc.oneof(
  fc.constantFrom("..", ".", "", "/", "\0", "~", "nul", "C:", "C:/x", "\\\\host\\share", "a.bin\0.txt", "\ud800"),
  fc.constantFrom("a.bin", "inside.bin", "link.bin", "circle", "circle/x", "build/a.bin", "a.bin/x", "versions/1"),
  fc.constantFrom(
    "up/a.bin",
    "up/missing.bin",
    "out/ota.json",
    "versions/1/up/ota.json",
    "./versions/../../outside/ota.json",
  ),
  fc.constantFrom("/etc/passwd", "/dev/zero", "file:///etc/passwd", "..\\..\\secret.bin", "../../../secret.bin"),
  fc
    .array(fc.constantFrom("..", ".", "", "a.bin", "up", "out", "versions", "1", "x"), { maxLength: 8 })
    .map((names) => names.join("/")),
  fc.constant("x/".repeat(3000)),
  fc.string({ unit: "binary", maxLength: 8 }),
);

const hostile: fc.Arbitrary<Json> = fc.oneof(
  { weight: 4, arbitrary: path },
  fc.constantFrom<Json>(
    null,
    true,
    0,
    -1,
    1e308,
    2 ** 53,
    0.5,
    "",
    [],
    {},
    [[]],
    { mqtt: {} },
    { mqtt: 7 },
    "${",
    "$A",
  ),
  fc.constantFrom<Json>("x".repeat(100_000), "1".repeat(64), "${A:-".repeat(1000), "://".repeat(1000), "__proto__"),
  fc.integer({ min: 1, max: 80 }).map((depth) => Array.from({ length: depth }).reduce<Json>((inner) => [inner], 0)),
  fc.jsonValue({ maxDepth: 2 }).map((value) => value as Json),
);

/** Puts something else in the place of a value, or beside it. */
type Mutation = {
  readonly at: number;
  readonly value: Json;
  readonly kind: "replace" | "remove" | "add";
  readonly name: string;
};

const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat(60),
  value: hostile,
  kind: fc.constantFrom("replace", "replace", "replace", "remove", "add"),
  name: fc.oneof(fc.constantFrom("base_path", "channels", "protocols", "toString", "__proto__", "a/b~"), path),
});

/** What changes the text itself: a byte replaced, the end cut off, something put in. */
const scratch = fc.record({ at: fc.nat(100_000), put: fc.uint8Array({ maxLength: 3 }), cut: fc.boolean() });

function mutate(document: Json, { at, value: shared, kind, name }: Mutation): Json {
  // A value is drawn by reference: put in twice, it could come to hold itself.
  const value = structuredClone(shared);
  const places: [Json[] | { [name: string]: Json }, string][] = [];
  const visit = (node: Json): void => {
    if (node === null || typeof node !== "object") return;
    for (const [key, child] of Object.entries(node)) {
      places.push([node, key]);
      visit(child);
    }
  };
  visit(document);
  const [holder, key] = places[at % Math.max(1, places.length)] ?? [[], "0"];
  const target = holder as { [name: string]: Json };
  if (kind === "replace") target[key] = value;
  else if (kind === "remove") delete target[key];
  else if (Array.isArray(holder)) holder.push(structuredClone(holder[0] ?? value));
  else Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
  return document;
}

function scratched(text: string, { at, put, cut }: { at: number; put: Uint8Array; cut: boolean }): Uint8Array {
  const bytes = utf8(text);
  const start = at % (bytes.length + 1);
  return Uint8Array.from([...bytes.subarray(0, start), ...put, ...(cut ? [] : bytes.subarray(start + put.length))]);
}

function write(
  file: string,
  document: Json,
  scratches: readonly { at: number; put: Uint8Array; cut: boolean }[],
): void {
  const [first] = scratches;
  const text = JSON.stringify(document, null, 2);
  writeFileSync(file, first === undefined ? text : scratched(text, first));
}

/** What a step threw, if anything: it must be an `OtaError`, and repeat nothing that it must not. */
async function run<T>(step: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await step();
  } catch (error) {
    if (!isOtaError(error)) throw error;
    expectHarmless({ error, stack: error.stack });
    return undefined;
  }
}

function expectHarmless(value: unknown): void {
  const text = JSON.stringify(value);
  expect(text).not.toContain(SECRET);
  expect(text).not.toContain(OUTSIDE);
}

/** Where the part of a path that exists really is. */
function realPartOf(name: string): string {
  try {
    return realpathSync(name);
  } catch {
    return realPartOf(dirname(name));
  }
}

function expectAllInside(): void {
  const line = dirname(rootFile);
  for (const name of touched.splice(0)) {
    expect(name.split(sep)).not.toContain("..");
    const real = realPartOf(name);
    expect(real === line || real.startsWith(line + sep), name).toBe(true);
  }
}

test("mutated manifests throw only OtaErrors, never leave the folder and never reveal a secret", async () => {
  const mutations = fc.array(mutation, { maxLength: 4 });
  const scratches = fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.tuple(scratch) });
  const property = fc.asyncProperty(
    mutations,
    mutations,
    scratches,
    scratches,
    async (ofRoot, ofVersion, rootScratch, versionScratch) => {
      write(rootFile, ofRoot.reduce(mutate, soundRoot()), rootScratch);
      const versionFile = join(folder, "line", "versions", "1", "ota.json");
      write(versionFile, ofVersion.reduce(mutate, soundVersion()), versionScratch);
      touched.length = 0;

      expectHarmless(await validateReleaseLine(rootFile, { env: { A: "a" } }));
      const root = await run(() => loadRootManifest(rootFile));
      if (root !== undefined) {
        await run(() => addVersion(root.text, { id: "2", manifest: "versions/2/ota.json" }, rootFile));
        for (const id of ["1", ...root.manifest.versions.map((entry) => entry.id)]) {
          const version = await run(() => loadVersion(root, id));
          if (version === undefined) continue;
          await run(() => verifyArtifacts(version));
          for (const { channels } of version.artifacts)
            await run(() => channelsFromEnvironment(channels, {}, rootFile));
        }
      }
      expectAllInside();
    },
  );
  await fc.assert(property, { numRuns: 150 });
});

test("the release line is valid before it is mutated", async () => {
  write(rootFile, soundRoot(), []);
  write(join(folder, "line", "versions", "1", "ota.json"), soundVersion(), []);
  touched.length = 0;
  const problems = await validateReleaseLine(rootFile);
  expect(new Set(problems.map(({ code }) => code))).toEqual(new Set(["manifest/literal-secret"]));
  const root = await loadRootManifest(rootFile);
  await verifyArtifacts(await loadVersion(root, "1"));
  expect(touched).toContain(join(folder, "line", "versions", "1", "a.bin"));
  expectAllInside();
});
