import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startEmbeddedBroker } from "@tinybms/firmware-sim/testkit";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createReleaseLine, type ReleaseLine, ROOT_MANIFEST } from "../packages/ota-publisher/test/release-line.ts";

/** Validators of what commands print, by the file name of their schema. */
const results = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allowUnionTypes: true });
const schemas = fileURLToPath(new URL("../schemas/cli/", import.meta.url));
for (const name of globSync("*.schema.json", { cwd: schemas })) {
  results.addSchema(JSON.parse(readFileSync(join(schemas, name), "utf8")));
}

let line: ReleaseLine;

beforeEach(() => {
  line = createReleaseLine();
});

afterEach(() => line.remove());

/** Runs a command with `--json`; what it printed must be what the schema says. */
async function run(schema: string, ...args: string[]): Promise<{ exitCode: number; document: unknown }> {
  const { exitCode, stdout } = await line.run([...args, "--json"]);
  const document: unknown = JSON.parse(stdout);
  results.validate(`${schema}.schema.json`, document);
  expect(results.errors ?? [], stdout).toEqual([]);
  return { exitCode, document };
}

const packageIt = (...args: string[]) =>
  run("package", "package", "--binary", line.binary, "--update-manifest", ...args);

test("what package prints is what its schema says, dry, done and done again", async () => {
  expect(await packageIt("--dry-run")).toMatchObject({ exitCode: 0, document: { dryRun: true } });
  expect(await packageIt()).toMatchObject({ exitCode: 0, document: { dryRun: false, manifestUpdated: true } });
  expect(await packageIt()).toMatchObject({ exitCode: 0, document: { manifestUpdated: false } });
});

test("what validate prints is what its schema says, with and without problems", async () => {
  await packageIt();
  expect(await run("validate", "validate")).toEqual({ exitCode: 0, document: { valid: true, problems: [] } });
  writeFileSync(line.manifest, '{"schema_version": 1,\n "versions": 7');
  expect(await run("validate", "validate")).toMatchObject({
    exitCode: 2,
    document: { valid: false, problems: [{ line: 2, column: 15 }] },
  });
  line.writeManifest({
    ...ROOT_MANIFEST,
    versions: [{ id: 1 }],
    deployment: { channels: { mqtt: { password: "x" } } },
  });
  expect(await run("validate", "validate")).toMatchObject({ exitCode: 2 });
});

test("what deploy prints is what its schema says", async () => {
  await packageIt();
  expect(await run("deploy", "deploy", "--version", "1.2.3", "--dry-run")).toMatchObject({
    exitCode: 0,
    document: { deliveries: [{ outcome: "planned" }] },
  });
  const broker = await startEmbeddedBroker();
  const offered = await run("deploy", "deploy", "--version", "1.2.3", "--broker", broker.url, "--wait", "none");
  await broker.close();
  expect(offered).toMatchObject({ exitCode: 0, document: { deliveries: [{ outcome: "offered" }] } });
});

test("what provision prints is what its schema says, for one device and for several", async () => {
  const at = (name: string) => join(line.folder, name);
  const open = ["--device", "bench-1", "--allow-unsigned"];
  const one = await run("provision", "provision", ...open, "--out", at("nvs.bin"), "--encrypt");
  expect(one).toMatchObject({ exitCode: 0, document: { output: null, devices: [{ keyFile: at("nvs.keys.bin") }] } });
  const several = ["--device", "bench-2", "--out-dir", at("fleet"), "--broker-acl", "mosquitto"];
  expect(await run("provision", "provision", ...open, ...several)).toMatchObject({
    exitCode: 0,
    document: { output: at("fleet"), broker: { acl: "mosquitto.acl" }, devices: [{}, { file: "bench-2.bin" }] },
  });
});

test.for([
  ["arguments/invalid", ["deploy", "--version", "1", "--timeout", "x"]],
  ["manifest/unknown-version", ["deploy", "--version", "1"]],
  ["package/binary-not-found", ["package", "--binary", "nowhere.bin"]],
] as const)("%s is printed as the schema of errors says", async ([code, args]) => {
  expect(await run("error", ...args)).toMatchObject({ exitCode: 2, document: { error: { code } } });
});

test("a missing manifest is an error of deploy, and a problem of validate", async () => {
  rmSync(line.manifest);
  expect(await run("error", "deploy", "--version", "1")).toMatchObject({ exitCode: 2 });
  expect(await run("validate", "validate")).toMatchObject({ exitCode: 2, document: { valid: false } });
});
