import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createReleaseLine, type ReleaseLine, ROOT_MANIFEST, runCommand } from "../../test/release-line.ts";

const STEPS = ["package", "validate", "deploy"];
const OWN_STEPS = ["manifest", "releases", ...STEPS];

let line: ReleaseLine;
let scratch: string;

beforeEach(() => {
  line = createReleaseLine();
  scratch = mkdtempSync(join(tmpdir(), "tinybms-smoke-test-"));
  vi.stubEnv("TMPDIR", scratch);
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  line.remove();
  rmSync(scratch, { recursive: true, force: true });
});

test("without a manifest, packages, validates and plans a built-in example, and leaves no files", async () => {
  const connect = vi.spyOn(Socket.prototype, "connect");
  const { exitCode, stdout, stderr } = await runCommand(["smoke", "--json"]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(JSON.parse(stdout)).toEqual({
    ok: true,
    manifest: null,
    steps: STEPS.map((step) => ({ step, outcome: "ok" })),
  });
  expect(connect).not.toHaveBeenCalled();
  expect(readdirSync(scratch)).toEqual([]);
});

test("each step is one line for people", async () => {
  const { stdout } = await runCommand(["smoke"]);
  expect(stdout.split("\n")).toEqual([
    "ok      an image can be packaged, in a temporary folder",
    "ok      the packaged release is valid",
    "ok      its delivery can be planned (dry run, no network)",
    "",
  ]);
  expect((await runCommand(["smoke", "--quiet"])).stdout).toBe("");
});

test("tries the user's manifest with its channels, and leaves it unchanged", async () => {
  await line.run(["package", "--binary", line.binary, "--update-manifest"]);
  const before = readFileSync(line.manifest, "utf8");
  const files = readdirSync(line.folder, { recursive: true });
  const { exitCode, stdout } = await line.run(["smoke", "--json"]);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout).steps).toEqual(OWN_STEPS.map((step) => ({ step, outcome: "ok" })));
  expect(readFileSync(line.manifest, "utf8")).toBe(before);
  expect(readdirSync(line.folder, { recursive: true })).toEqual(files);
});

test("a damaged release fails only its own step; the steps of a new release still run", async () => {
  await line.run(["package", "--binary", line.binary, "--update-manifest"]);
  writeFileSync(join(line.folder, "ota/versions/1.2.3/gateway-1.2.3.bin"), "damaged");
  const { exitCode, stdout } = await line.run(["smoke", "--json"]);
  expect(exitCode).toBe(2);
  const { ok, steps } = JSON.parse(stdout);
  expect(ok).toBe(false);
  expect(steps.map(({ outcome }: { outcome: string }) => outcome)).toEqual(["ok", "failed", "ok", "ok", "ok"]);
  expect(steps[1].problems).not.toEqual([]);
});

test("a channel that no delivery could use fails, with the reason", async () => {
  line.writeManifest({ ...ROOT_MANIFEST, deployment: { channels: { mqtt: { topic: "bench/ota" } } } });
  const { exitCode, stdout } = await line.run(["smoke"]);
  expect(exitCode).toBe(2);
  expect(stdout).toMatch(/^failed {2}.*\n {8}.*broker/m);
});

test("a manifest that can't be read fails the first step, and the others are skipped", async () => {
  line.writeManifest("{");
  const { exitCode, stdout } = await line.run(["smoke", "--json"]);
  expect(exitCode).toBe(2);
  const { steps } = JSON.parse(stdout);
  expect(steps[0]).toMatchObject({ step: "manifest", outcome: "failed", error: { code: "manifest/syntax" } });
  expect(steps.slice(1)).toEqual(OWN_STEPS.slice(1).map((step) => ({ step, outcome: "skipped" })));
});

test("generates an image for the chip in the manifest", async () => {
  line.writeManifest({ ...ROOT_MANIFEST, product: { name: "a/b", hardware: "ESP32-C3" } });
  expect((await line.run(["smoke"])).exitCode).toBe(0);
});

test("looks for the channels' files next to the manifest, not next to its copy", async () => {
  const mqtt = { ...ROOT_MANIFEST.deployment.channels.mqtt, broker: "mqtts://127.0.0.1:1", ca: "tls/ca.pem" };
  line.writeManifest({ ...ROOT_MANIFEST, deployment: { ...ROOT_MANIFEST.deployment, channels: { mqtt } } });
  const { exitCode, stdout } = await line.run(["smoke"]);
  expect(exitCode).toBe(2);
  expect(stdout).toContain(join(line.folder, "ota", "tls", "ca.pem"));
});

test("Ctrl-C ends it like every command", async () => {
  const abort = new AbortController();
  abort.abort();
  expect(await line.run(["smoke"], { signal: abort.signal })).toMatchObject({ exitCode: 130 });
  expect(readdirSync(scratch)).toEqual([]);
});
