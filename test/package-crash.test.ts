import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { generateKeyPairSync, sign } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildAppImage } from "@tinybms/ota-core/esp";
import {
  loadRootManifest,
  loadVersion,
  packageRelease,
  readReleaseFile,
  releaseFileOf,
  verifyArtifacts,
} from "@tinybms/ota-core/node";
import { parsePublicKey, type Signer, signedBytes, verifySignature } from "@tinybms/ota-core/signing";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { bundleCommand } from "../scripts/bundle-command.ts";

/** All of them where time counts less. */
const RUNS = process.env.CI ? 500 : 120;
const ATTEMPTS_PER_VERSION = 4;
const SEED = Number(process.env.TINYBMS_SEED ?? Date.now() % 2 ** 31);
const ROOT = { schema_version: 1, product: { name: "gateway", hardware: "esp32" }, versions: [] };

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const KEY = parsePublicKey(publicKey.export({ type: "spki", format: "der" }));

const signNow: Signer = async (message) => ({ key: KEY, signature: sign("sha256", message, privateKey) });

let folder = "";
let key = "";
let command = "";
let line = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-crash-"));
  key = join(folder, "key.pem");
  writeFileSync(key, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  command = await bundleCommand(join(folder, "command"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeEach(() => {
  line = mkdtempSync(join(folder, "line-"));
  mkdirSync(join(line, "ota"));
  writeFileSync(join(line, "ota", "manifest.json"), `${JSON.stringify(ROOT, null, 2)}\n`);
});

const manifest = (): string => join(line, "ota", "manifest.json");

function binaryOf(version: string): string {
  const file = join(line, `${version}.bin`);
  // Written once: another run may read it at this moment.
  if (!existsSync(file)) writeFileSync(file, buildAppImage({ version, sizeBytes: 100_000 }));
  return file;
}

function start(binary: string): ChildProcess {
  const args = ["--manifest", manifest(), "--binary", binary, "--update-manifest", "--sign-key", key, "--json"];
  return spawn(process.execPath, [command, "package", ...args], { stdio: ["ignore", "ignore", "pipe"] });
}

/** How a process ended: its signal, or its exit code with what it said. */
async function endOf(child: ChildProcess): Promise<string> {
  let said = "";
  child.stderr?.on("data", (text) => {
    said += text;
  });
  return await new Promise((resolve) =>
    child.once("close", (code, signal) => resolve(signal ?? (code === 0 ? "done" : `${code}: ${said}`))),
  );
}

/** The ids of all versions, after each of them that `known` hasn't was loaded, and its file and its signature compared. */
async function checkLine(known: ReadonlySet<string> = new Set()): Promise<string[]> {
  const root = await loadRootManifest(manifest());
  const ids = root.manifest.versions.map(({ id }) => id);
  for (const id of ids) {
    if (known.has(id)) continue;
    const loaded = await loadVersion(root, id);
    await verifyArtifacts(loaded);
    const signed = await readReleaseFile(releaseFileOf(loaded.file));
    expect(signed?.release.image.sha256).toBe(loaded.artifacts[0]?.artifact.sha256);
    const { payload = new Uint8Array(), signatures = [] } = signed?.envelope ?? {};
    expect(signatures.map(({ sig }) => verifySignature(KEY, signedBytes("release", payload), sig))).toEqual([true]);
  }
  return ids;
}

/** Temporary files, locks and guards: whatever begins with a full stop. */
function litter(): string[] {
  return readdirSync(line, { recursive: true, withFileTypes: true })
    .filter(({ name }) => name.startsWith("."))
    .map(({ parentPath, name }) => join(parentPath, name));
}

/** Numerical Recipes' generator: so that a failure's seed brings its delays back. */
function* randoms(seed: number): Generator<number, never, void> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

test(`kill -9 at ${RUNS} random moments leaves a release line that is whole (seed ${SEED})`, async () => {
  const random = randoms(SEED);
  // How long one takes here, from its start, when two run at once.
  const begin = performance.now();
  await Promise.all(
    ["0.0.1", "0.0.2"].map(async (version) => expect(await endOf(start(binaryOf(version)))).toBe("done")),
  );
  const wholeMs = performance.now() - begin;
  const ends = { killed: 0, done: 0 };
  const known = new Set<string>();
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < RUNS) {
      const version = `1.0.${Math.trunc(next++ / ATTEMPTS_PER_VERSION)}`;
      const child = start(binaryOf(version));
      // Before the middle Node only starts; after the end there are those that are not killed.
      const timer = setTimeout(() => child.kill("SIGKILL"), wholeMs * (0.35 + 0.8 * random.next().value));
      const end = await endOf(child);
      clearTimeout(timer);
      expect(["SIGKILL", "done"]).toContain(end);
      ends[end === "done" ? "done" : "killed"]++;
      for (const id of await checkLine(known)) known.add(id);
    }
  };
  await Promise.all([work(), work()]);
  expect(ends.killed).toBeGreaterThan(RUNS / 10);
  expect(ends.done).toBeGreaterThan(0);
  for (let version = 0; version * ATTEMPTS_PER_VERSION < RUNS; version++) {
    const binary = join(line, `1.0.${version}.bin`);
    await packageRelease({ manifest: manifest(), binary, updateManifest: true, signers: [signNow] });
  }
  expect((await checkLine()).length).toBe(2 + Math.ceil(RUNS / ATTEMPTS_PER_VERSION));
  expect(litter()).toEqual([]);
});

test("16 at once: every one succeeds, and all 16 entries are there", async () => {
  const versions = Array.from({ length: 16 }, (_, index) => `2.0.${index}`);
  const binaries = versions.map(binaryOf);
  const ends = await Promise.all(binaries.map((binary) => endOf(start(binary))));
  expect(ends).toEqual(versions.map(() => "done"));
  expect((await checkLine()).sort()).toEqual(versions.sort());
  expect(litter()).toEqual([]);
});

test("16 builds of one version at once: one is released, and the others are told so", async () => {
  const binaries = Array.from({ length: 16 }, (_, seed) => {
    const file = join(line, `${seed}.bin`);
    writeFileSync(file, buildAppImage({ version: "3.0.0", seed, sizeBytes: 100_000 }));
    return file;
  });
  const ends = await Promise.all(binaries.map((binary) => endOf(start(binary))));
  expect(ends.filter((end) => end === "done").length).toBe(1);
  for (const end of ends) if (end !== "done") expect(end).toContain("error[package/already-released]");
  expect(await checkLine()).toEqual(["3.0.0"]);
  expect(litter()).toEqual([]);
});

/** Of util-linux. A user namespace lets anybody mount a disk of a given size, or one that can't be written. */
const UNSHARE = "unshare";
const canMount = spawnSync(UNSHARE, ["-rm", "mount", "-t", "tmpfs", "tmpfs", tmpdir()]).status === 0;
const WHY = canMount ? "" : " (skipped: unshare -rm and mount are not allowed here)";

/** Packages 1.0.0, then 1.1.0 after the disk was made as `prepare` says, and lists what is on it. */
function onDisk(prepare: string): {
  firstExit: string;
  secondExit: string;
  error: string;
  before: string;
  after: string;
} {
  const [first, second] = [binaryOf("1.0.0"), binaryOf("1.1.0")];
  const script = `
    mkdir "$DISK" && mount -t tmpfs -o size=160k tmpfs "$DISK" && cp "$MANIFEST" "$DISK/manifest.json" || exit 9
    list() { (cd "$DISK" && find . | sort && cat manifest.json && sha256sum versions/*/*); }
    run() { "$NODE" "$COMMAND" package --manifest "$DISK/manifest.json" --update-manifest --binary "$1" 2>"$OUT/error" >"$OUT/said"; }
    run "$FIRST"; echo $? >"$OUT/first"; ${prepare}
    list >"$OUT/before"; run "$SECOND"; echo $? >"$OUT/second"; list >"$OUT/after"`;
  const env = { ...process.env, DISK: join(line, "disk"), MANIFEST: manifest(), OUT: line, NODE: process.execPath };
  const names = { COMMAND: command, FIRST: first, SECOND: second };
  expect(spawnSync(UNSHARE, ["-rm", "sh", "-c", script], { env: { ...env, ...names } }).status).toBe(0);
  const read = (name: string): string => readFileSync(join(line, name), "utf8").trim();
  return {
    firstExit: read("first"),
    secondExit: read("second"),
    error: read("error"),
    before: read("before"),
    after: read("after"),
  };
}

test.skipIf(!canMount).for([
  ["full", ":", "the disk is full"],
  ["full to the last byte", 'cat /dev/zero >"$DISK/filler"', "the disk is full"],
  ["read-only", 'mount -o remount,ro "$DISK"', "the file system is read-only"],
] as const)(`a disk that is %s is said to be, and nothing on it changes${WHY}`, ([, prepare, reason]) => {
  const { firstExit, secondExit, error, before, after } = onDisk(prepare);
  expect(firstExit, error).toBe("0");
  expect(secondExit).not.toBe("0");
  expect(error).toMatch(new RegExp(`^error\\[package/write-failed\\]: .* can't be written: ${reason}$`, "m"));
  expect(after).toBe(before);
});
