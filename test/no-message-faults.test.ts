/**
 * A `protocol/…` code blames the sender of a message. No command that speaks to no device ends with one: what is wrong
 * there is a file or an argument, and the error names it.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { formatJson } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runSimCli } from "../firmware-sim/src/cli.ts";
import { runCommand } from "../packages/ota-publisher/test/release-line.ts";

const CASES = fileURLToPath(new URL("fixtures/formats/", import.meta.url));
const WITHOUT_VERSION = join(CASES, "F7-app-with-empty-version.bin");

let folder = "";
const at = (...names: string[]): string => join(folder, ...names);

interface Ended {
  readonly exitCode: number;
  readonly code: string | undefined;
  readonly message: string;
  readonly hint: string | undefined;
}

function endOf(exitCode: number, stdout: string): Ended {
  const { error } = stdout === "" ? {} : JSON.parse(stdout);
  return { exitCode, code: error?.code, message: error?.message ?? "", hint: error?.hint };
}

async function ota(...args: string[]): Promise<Ended> {
  const { exitCode, stdout } = await runCommand([...args, "--json"]);
  return endOf(exitCode, stdout);
}

async function sim(...args: string[]): Promise<Ended> {
  let out = "";
  const collect = (add: (text: string) => void) =>
    new Writable({
      write(chunk: unknown, _encoding, done) {
        add(String(chunk));
        done();
      },
    });
  const stdout = collect((text) => {
    out += text;
  });
  const io = { stdout, stderr: collect(() => undefined), env: {}, signal: new AbortController().signal };
  const exitCode = await runSimCli([...args, "--json"], io);
  return endOf(exitCode, out);
}

/** A release line with a signed version and a key set. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-faults-"));
  mkdirSync(at("ota"));
  const channels = { mqtt: { broker: "mqtt://127.0.0.1:1", topic: "bench/ota" } };
  const product = { name: "Gateway", hardware: "esp32" };
  const deployment = { channels, default_protocols: ["mqtt"] };
  writeFileSync(at("ota/manifest.json"), formatJson({ schema_version: 1, product, deployment, versions: [] }));
  writeFileSync(at("app.bin"), buildAppImage({ version: "1.2.3", projectName: "gateway", sizeBytes: 40_000 }));
  // The case names no project either, which a device of another project would refuse.
  writeFileSync(at("running.bin"), buildAppImage({ version: "1.0", projectName: "", sizeBytes: 8192 }));
  for (const args of [
    ["keygen", "--out", at("key.pem")],
    ["keys", "init", "--root", at("key.pem.pub"), "--sign-key", at("key.pem"), "--keys", at("ota/keys")],
    ["package", "--binary", at("app.bin"), "--update-manifest", "--sign-key", at("key.pem"), "--manifest", MANIFEST()],
  ])
    expect((await ota(...args)).exitCode, args.join(" ")).toBe(0);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MANIFEST = (): string => at("ota/manifest.json");

/** Every command that reads a release line or key sets and speaks to no device. */
const COMMANDS: readonly (() => string[])[] = [
  () => ["validate", "--manifest", MANIFEST()],
  () => ["smoke", "--manifest", MANIFEST()],
  () => ["package", "--binary", at("app.bin"), "--dry-run", "--sign-key", at("key.pem"), "--manifest", MANIFEST()],
  () => ["deploy", "--version", "1.2.3", "--dry-run", "--sign-key", at("key.pem"), "--manifest", MANIFEST()],
  () => ["keys", "show", "--keys", at("ota/keys")],
  () => ["keys", "threshold", "root", "1", "--keys", at("ota/keys")],
  () => ["provision", "--device", "b-1", "--out", at("nvs.bin"), "--manifest", MANIFEST(), "--allow-insecure"],
];

const withoutFault = ({ exitCode, code }: Ended, what: string): void => {
  expect(code ?? "", what).not.toMatch(/^protocol\/|^unexpected$/);
  expect([0, 2], what).toContain(exitCode);
};

test("no file of a release line, however broken, is told as a message's fault", async () => {
  const files = [
    "ota/manifest.json",
    "ota/versions/1.2.3/ota.json",
    "ota/versions/1.2.3/release.json",
    "ota/keys/1.json",
  ];
  const sound = new Map(files.map((file) => [file, readFileSync(at(file), "utf8")]));
  const change = fc.oneof(
    fc.record({ cut: fc.double({ min: 0, max: 1, noNaN: true }) }),
    fc.record({ at: fc.double({ min: 0, max: 0.999, noNaN: true }), put: fc.constantFrom("0", "}", "A", '"', "é") }),
    fc.record({
      whole: fc.constantFrom("", "{}", "null", '{"payload":"e30=","signatures":[]}', "[[[[[[[[[[[[]]]]]]]]]]]]"),
    }),
  );
  const changed = (text: string, how: { cut?: number; at?: number; put?: string; whole?: string }): string => {
    if (how.whole !== undefined) return how.whole;
    if (how.cut !== undefined) return text.slice(0, Math.floor(text.length * how.cut));
    const place = Math.floor(text.length * (how.at ?? 0));
    return text.slice(0, place) + how.put + text.slice(place + 1);
  };
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...files), change, fc.constantFrom(...COMMANDS), async (file, how, command) => {
      const text = sound.get(file) ?? "";
      writeFileSync(at(file), changed(text, how));
      try {
        withoutFault(await ota(...command()), command().join(" "));
      } finally {
        for (const name of ["nvs.bin", "nvs.bin.csv", "ota/keys/pending.json"]) rmSync(at(name), { force: true });
        writeFileSync(at(file), text);
      }
    }),
    { numRuns: 150 },
  );
});

test.for([
  ["a product without a name", (args: string[]) => [...args, "--product", ""]],
  ["a product of 200 characters", (args: string[]) => [...args, "--product", "p".repeat(200)]],
] as const)("keys init with %s is an argument's fault", async ([, withProduct]) => {
  const args = ["keys", "init", "--root", at("key.pem.pub"), "--keys", at("elsewhere", "keys")];
  expect(await ota(...withProduct(args))).toMatchObject({ exitCode: 2, code: "arguments/invalid" });
});

test("keys that a key set can't hold are a fault of the change", async () => {
  const roots: string[] = [];
  for (let index = 0; index < 26; index++) {
    const file = at(`root-${index}.pem`);
    await ota("keygen", "--out", file);
    roots.push("--root", `${file}.pub`);
  }
  const ended = await ota("keys", "init", "--product", "P", ...roots, "--keys", at("elsewhere", "keys"));
  expect(ended).toMatchObject({ exitCode: 2, code: "signing/key-set-change" });
});

test("provision with a topic that is too long in bytes is an input's fault", async () => {
  const args = ["--devices", at("list.csv"), "--out-dir", at("fleet"), "--broker-acl", "mosquitto", "--allow-insecure"];
  writeFileSync(at("list.csv"), "device_id\nb-1\n");
  for (const topic of ["é".repeat(45), "a/#", "a/%u"])
    withoutFault(await ota("provision", ...args, "--topic", topic, "--manifest", MANIFEST()), topic);
});

test("package names a file whose descriptor has no version, and the way on", async () => {
  const args = ["package", "--binary", WITHOUT_VERSION, "--manifest", MANIFEST(), "--dry-run"];
  expect(await ota(...args)).toMatchObject({
    exitCode: 2,
    code: "package/version-unknown",
    message: expect.stringContaining("F7-app-with-empty-version.bin"),
    hint: expect.stringContaining("--version"),
  });
  expect((await ota(...args, "--version", "9.9")).exitCode).toBe(0);
});

test("power-cut names an update whose descriptor has no version, and goes on with --version", async () => {
  const args = ["power-cut", "--app", at("running.bin"), "--update", WITHOUT_VERSION, "--points", "3", "--pairs", "1"];
  const few = [...args, "--jobs", "1", "--run", "update", "--output", at("report")];
  expect(await sim(...few)).toMatchObject({
    exitCode: 2,
    code: "package/version-unknown",
    message: expect.stringContaining("F7-app-with-empty-version.bin"),
    hint: expect.stringContaining("--version"),
  });
  expect(await sim(...few, "--version", "9.9")).toMatchObject({ exitCode: 0 });
});

test("twin names an update whose descriptor has no version, and goes on with --version", async () => {
  const made = await sim("flash", "--output", at("flash.bin"), "--app", at("running.bin"));
  expect(made.exitCode).toBe(0);
  const args = ["twin", "--flash", at("flash.bin"), "--update", WITHOUT_VERSION, "--points", "3", "--jobs", "1"];
  expect(await sim(...args)).toMatchObject({
    code: "package/version-unknown",
    message: expect.stringContaining("F7-app-with-empty-version.bin"),
    hint: expect.stringContaining("--version"),
  });
  expect((await sim(...args, "--version", "9.9")).code).toBeUndefined();
});

test("a secure version that no release can state is the image's fault", async () => {
  const image = buildAppImage({ version: "3.0", secureVersion: 0xffff_ffff, sizeBytes: 40_000 });
  writeFileSync(at("high.bin"), image);
  const args = [
    "package",
    "--binary",
    at("high.bin"),
    "--manifest",
    MANIFEST(),
    "--dry-run",
    "--sign-key",
    at("key.pem"),
  ];
  expect(await ota(...args)).toMatchObject({ exitCode: 2, code: "image/invalid" });
  withoutFault(
    await sim("power-cut", "--app", at("app.bin"), "--update", at("high.bin"), "--points", "1"),
    "power-cut",
  );
});
