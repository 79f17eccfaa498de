/** The release line of the repository that this project grew out of, byte for byte. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCommand } from "../packages/ota-publisher/test/release-line.ts";
import { createEspIdfProject, isInstalled } from "./esp-idf-project.ts";

const ORIGINAL = fileURLToPath(new URL("fixtures/original/ota", import.meta.url));
const WARNINGS = ["manifest/literal-secret", "image/placeholder"];

let folder = "";
let manifest = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-original-"));
  manifest = join(folder, "ota", "manifest.json");
  cpSync(ORIGINAL, join(folder, "ota"), { recursive: true });
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: string[]) => runCommand([...args, "--manifest", manifest]);

test("validate takes it, and warns of the placeholder and of the token that is written out", async () => {
  const { exitCode, stdout } = await run("validate", "--json");
  expect(exitCode).toBe(0);
  const { valid, problems } = JSON.parse(stdout);
  expect(valid).toBe(true);
  expect(new Set(problems.map(({ code }: { code: string }) => code))).toEqual(new Set(WARNINGS));
});

test("validate --strict makes each warning an error", async () => {
  const { exitCode, stdout } = await run("validate", "--strict", "--json");
  expect(exitCode).toBe(2);
  const { valid, problems } = JSON.parse(stdout);
  expect(valid).toBe(false);
  expect(new Set(problems.map(({ severity }: { severity: string }) => severity))).toEqual(new Set(["error"]));
});

test("package adds a version, and changes nothing else in the manifest", async () => {
  const binary = join(folder, "app.bin");
  writeFileSync(binary, buildAppImage({ version: "0.1.0", sizeBytes: 40_000 }));
  const before = readFileSync(manifest, "utf8");
  expect(await run("package", "--binary", binary, "--update-manifest")).toMatchObject({ exitCode: 0 });
  const after = readFileSync(manifest, "utf8");
  const entry = ',\n    {\n      "id": "0.1.0",\n      "manifest": "versions/0.1.0/ota.json"\n    }';
  expect(after).toContain(entry);
  expect(after.replace(entry, "")).toBe(before);
  expect((await run("validate")).exitCode).toBe(0);
});

test("deploy refuses the placeholder, and its dry run says so and ends well", async () => {
  const dry = await run("deploy", "--version", "0.0.1", "--dry-run");
  expect(dry.exitCode).toBe(0);
  expect(dry.stderr).toMatch(
    /TinyBMS_Web_Gateway-0\.0\.1\.bin is not an app image .*without --dry-run, deploy refuses this file/,
  );
  const real = await run("deploy", "--version", "0.0.1");
  expect(real.exitCode).toBe(2);
  expect(real.stderr).toContain("error[image/placeholder]");
  expect(real.stderr).not.toContain("unexpected");
});

test("smoke takes it", async () => {
  expect(await run("smoke")).toMatchObject({ exitCode: 0, stderr: "" });
});

const canBuild = isInstalled("cmake") && isInstalled("make") && process.platform !== "win32";
const WHY = canBuild ? "" : " (skipped: `apt-get install cmake make`)";

test.skipIf(!canBuild)(`the CMake hook packages into it, also where a refusal fails the build${WHY}`, () => {
  const project = createEspIdfProject();
  try {
    rmSync(join(project.folder, "ota"), { recursive: true });
    mkdirSync(join(project.folder, "ota"));
    cpSync(ORIGINAL, join(project.folder, "ota"), { recursive: true });
    project.installCommand();
    project.configure("Unix Makefiles", "-DPROJECT_VER=1.2.3", "-DTINYBMS_OTA_STRICT=ON");
    expect(project.build()).toMatchObject({ exitCode: 0 });
    const { versions } = JSON.parse(readFileSync(project.manifest, "utf8"));
    expect(versions.map(({ id }: { id: string }) => id)).toEqual(["0.0.1", "1.2.3"]);
  } finally {
    project.remove();
  }
});
