import { existsSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { concatBytes, sha256, toHex } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  createReleaseLine,
  IMAGE,
  type ReleaseLine,
  ROOT_MANIFEST,
  runCommand,
  TOPIC,
} from "../../test/release-line.ts";

let line: ReleaseLine;

beforeEach(() => {
  line = createReleaseLine();
});

afterEach(() => line.remove());

const packageIt = (...args: string[]) => line.run(["package", "--binary", line.binary, "--update-manifest", ...args]);

test("a build is packaged, validated and planned, each with one JSON document", async () => {
  const packaged = await packageIt("--json");
  expect(packaged.exitCode).toBe(0);
  expect(JSON.parse(packaged.stdout)).toMatchObject({
    version: "1.2.3",
    dryRun: false,
    manifest: line.manifest,
    manifestUpdated: true,
    artifacts: [
      {
        name: "gateway",
        size: IMAGE.length,
        protocols: ["mqtt"],
        image: { chip: "esp32", projectName: "gateway", appVersion: "1.2.3", secureVersion: 0 },
      },
    ],
  });

  const validated = await line.run(["validate", "--json"]);
  expect(validated.exitCode).toBe(0);
  expect(JSON.parse(validated.stdout)).toEqual({ valid: true, problems: [] });

  const planned = await line.run(["deploy", "--version", "1.2.3", "--dry-run", "--json", "--device", "bench-1"]);
  expect(planned).toMatchObject({ exitCode: 0, stderr: "" });
  expect(JSON.parse(planned.stdout)).toMatchObject({
    version: "1.2.3",
    dryRun: true,
    deliveries: [
      {
        artifact: "gateway",
        transport: "mqtt",
        mode: "chunked",
        target: { devices: ["bench-1"] },
        size: IMAGE.length,
        chunksSent: 0,
        outcome: "planned",
        devices: [],
      },
    ],
  });
  expect(existsSync(join(line.folder, "ota", ".tinybms-ota"))).toBe(false);
});

test("package prints for people what it found and wrote", async () => {
  const { exitCode, stdout } = await packageIt();
  expect(exitCode).toBe(0);
  for (const text of ["esp32", "1.2.3", "v6.0", `${IMAGE.length} bytes`, "ota.json", "wrote"])
    expect(stdout).toContain(text);
  expect(stdout).not.toContain("\u001b");
});

test("prints nothing on success with --quiet", async () => {
  expect(await packageIt("--quiet")).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  expect(await line.run(["validate", "--quiet"])).toEqual({ exitCode: 0, stdout: "", stderr: "" });
});

test.for([
  ["torn", '{"schema_version": 1, "prod', "manifest/syntax"],
  ["of another schema version", { ...ROOT_MANIFEST, schema_version: 3 }, "manifest/schema-version"],
  ["of wrong types", { ...ROOT_MANIFEST, versions: null }, "manifest/invalid"],
] as const)("a manifest that is %s ends every command with exit code 2", async ([, document, code]) => {
  line.writeManifest(document);
  for (const args of [
    ["package", "--binary", line.binary],
    ["deploy", "--version", "1.2.3"],
  ]) {
    const { exitCode, stdout, stderr } = await line.run(args);
    expect(exitCode).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(new RegExp(`^error\\[${code}\\]: .*manifest\\.json`));
  }
  const { exitCode, stdout } = await line.run(["validate"]);
  expect(exitCode).toBe(2);
  expect(stdout).toContain(code);
});

test("reports a missing manifest; with --json on standard output", async () => {
  rmSync(line.manifest);
  const { exitCode, stdout } = await line.run(["deploy", "--version", "1", "--json"]);
  expect(exitCode).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: "manifest/not-found", details: { file: line.manifest } } });
});

test("ends package with 2 for a binary that is not an app image, and writes nothing", async () => {
  writeFileSync(line.binary, "no firmware");
  expect(await packageIt()).toMatchObject({ exitCode: 2, stdout: "", stderr: expect.stringContaining("error[image/") });
  expect(readdirSync(join(line.folder, "ota"))).toEqual(["manifest.json"]);
});

test("ends deploy with 2 for an artifact that changed after packaging, and validate says where", async () => {
  await packageIt();
  truncateSync(join(line.folder, "ota/versions/1.2.3/gateway-1.2.3.bin"), 100);
  const deployed = await line.run(["deploy", "--version", "1.2.3"]);
  expect(deployed).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("error[manifest/artifact-mismatch]") });
  const validated = await line.run(["validate"]);
  expect(validated.exitCode).toBe(2);
  expect(validated.stdout).toMatch(
    /versions.1\.2\.3.ota\.json:\d+:\d+: error manifest\/artifact-mismatch \/artifacts\/0\/size: /,
  );
  const github = await line.run(["validate", "--format", "github"]);
  expect(github.exitCode).toBe(2);
  expect(github.stdout).toMatch(
    /^::error file=.*ota\.json,line=\d+,col=\d+,title=manifest\/artifact-mismatch::\/artifacts\/0\/size: .+\n/,
  );
});

test("does not deliver an image followed by more than a signature", async () => {
  const bytes = concatBytes([IMAGE, new Uint8Array(100)]);
  await packageIt();
  const folder = join(line.folder, "ota/versions/1.2.3");
  const artifact = { name: "gateway", filename: "a.bin", size: bytes.length, sha256: toHex(sha256(bytes)) };
  writeFileSync(join(folder, "a.bin"), bytes);
  writeFileSync(join(folder, "ota.json"), JSON.stringify({ version: "1.2.3", artifacts: [artifact] }));
  const { exitCode, stderr } = await line.run(["deploy", "--version", "1.2.3"]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("error[image/invalid]");
  expect(stderr).toContain("100 bytes follow the image");
});

test("a signature sector after the image is part of it", async () => {
  const image = buildAppImage({ version: "1.2.3", sizeBytes: 8192 });
  const signature = new Uint8Array(4096);
  signature[0] = 0xe7; // magic of a signature block
  writeFileSync(line.binary, concatBytes([image, signature]));
  expect((await packageIt()).exitCode).toBe(0);
  const { exitCode, stdout } = await line.run(["deploy", "--version", "1.2.3", "--dry-run", "--json"]);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout).deliveries[0].size).toBe(8192 + 4096);
});

test.for([
  [[], "no command is given"],
  [["deplyo"], "unknown command 'deplyo'"],
  [["package"], "--binary"],
  [["deploy"], "--version"],
  [["deploy", "--version", "1", "--tiemout", "3"], "--tiemout"],
  [["deploy", "--version", "1", "--timeout", "0"], "--timeout"],
  [["deploy", "--version", "1", "--expect", "1.5"], "--expect"],
  [["deploy", "--version", "1", "--wait", "forever"], "--wait"],
  [["deploy", "--version", "1", "--device", "a/b"], "a/b"],
  [["deploy", "--version", "1", "--device-file", "/nowhere/devices"], "/nowhere/devices"],
  [["deploy", "--version", "1", "--transport", "pigeon"], "pigeon"],
  [["deploy", "--version", "1", "--mode", "pigeon"], "--mode"],
  [["validate", "--format", "xml"], "--format"],
] as const)("%j is refused with 2 and one line that names %s", async ([args, text]) => {
  const { exitCode, stdout, stderr } = await runCommand(args);
  expect(exitCode).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^error\[arguments\/invalid\]: /);
  expect(stderr).toContain(text);
  const withJson = await runCommand([...args, "--json"]);
  if (args.length > 0) expect(JSON.parse(withJson.stdout)).toMatchObject({ error: { code: "arguments/invalid" } });
});

test.for([
  [["deplyo"], "Did you mean deploy?"],
  [["vaildate", "--json"], "Did you mean validate?"],
  [["keys", "shwo"], "Did you mean show?"],
  [["--verison"], "Did you mean --version?"],
  [["deploy", "--verison", "1.2.3"], "Did you mean --version?"],
  [["deploy", "--verison=1.2.3", "--json"], "Did you mean --version?"],
  [["deploy", "--version", "1.2.3", "--brokr", "embedded"], "Did you mean --broker?"],
  [["package", "--binray", "app.bin"], "Did you mean --binary?"],
  [["keygen", "--uot", "k.pem"], "Did you mean --out?"],
  [["keys", "init", "--product", "P", "--rott", "k.pub"], "Did you mean --root?"],
  [["keys", "add", "k.pub", "--rloe", "root"], "Did you mean --role?"],
  [["package"], "--help lists commands and options"],
  [["deploy", "--wholly-unknown"], "--help lists commands and options"],
  [[], "--help lists the commands"],
  [["keys"], "--help lists the commands"],
] as const)("%j is answered with the hint %s", async ([args, hint]) => {
  const { exitCode, stderr } = await runCommand(args);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`hint: ${hint}\n`);
});

test.for([
  ["localhost:1883"],
  ["http://ops:s3cr3t@localhost"],
  ["embedded://localhost:port"],
  ["embedded://ops:s3cr3t@localhost"],
] as const)("refuses %s as --broker without repeating a password", async ([broker]) => {
  await packageIt();
  const { exitCode, stdout, stderr } = await line.run(["deploy", "--version", "1.2.3", "--broker", broker, "--json"]);
  expect(exitCode).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: "arguments/invalid", details: { option: "--broker" } } });
  expect(stdout + stderr).not.toContain("s3cr3t");
});

test.for([
  ["has no topic", { broker: "mqtt://127.0.0.1" }],
  ["has a topic with a wildcard", { broker: "mqtt://127.0.0.1", topic: "a/#" }],
  ["names no broker", { topic: TOPIC }],
  ["names a broker of another kind", { topic: TOPIC, broker: "http://127.0.0.1" }],
] as const)("reports an mqtt channel that %s as a fault of the manifest", async ([, mqtt]) => {
  line.writeManifest({ ...ROOT_MANIFEST, deployment: { channels: { mqtt }, default_protocols: ["mqtt"] } });
  await packageIt();
  const { exitCode, stderr } = await line.run(["deploy", "--version", "1.2.3"]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("manifest");
});

test("refuses a release whose transports are all unavailable, unless one is requested", async () => {
  line.writeManifest({ ...ROOT_MANIFEST, deployment: { ...ROOT_MANIFEST.deployment, default_protocols: ["serial"] } });
  await packageIt();
  const args = ["deploy", "--version", "1.2.3", "--dry-run"];
  expect(await line.run(args)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("--transport mqtt") });
  expect((await line.run([...args, "--transport", "mqtt"])).exitCode).toBe(0);
});

test("--device-file may be UTF-16 with a byte-order mark", async () => {
  await packageIt();
  const file = join(line.folder, "devices");
  writeFileSync(file, Buffer.from("\uFEFFbench-1\r\nbench-2\r\n", "utf16le"));
  const args = ["deploy", "--version", "1.2.3", "--dry-run", "--json", "--device-file", file];
  expect(JSON.parse((await line.run(args)).stdout).deliveries[0].target).toEqual({ devices: ["bench-1", "bench-2"] });
});

test("--device-file names devices one on each line, with comments, and each once", async () => {
  await packageIt();
  const file = join(line.folder, "devices");
  writeFileSync(file, "# the bench\nbench-1\n\n bench-2  # left\r\nbench-1\n");
  const args = ["deploy", "--version", "1.2.3", "--dry-run", "--json", "--device", "bench-2", "--device-file", file];
  expect(JSON.parse((await line.run(args)).stdout).deliveries[0].target).toEqual({ devices: ["bench-2", "bench-1"] });
  writeFileSync(file, "# nobody\n");
  expect((await line.run(["deploy", "--version", "1.2.3", "--device-file", file])).exitCode).toBe(2);
});

test("prints help and version on standard output with exit code 0", async () => {
  expect(await runCommand(["--help"])).toMatchObject({
    exitCode: 0,
    stderr: "",
    stdout: expect.stringContaining("deploy"),
  });
  const help = await runCommand(["deploy", "--help"]);
  expect(help).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("--wait <state>") });
  expect(await runCommand(["--version"])).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+/),
  });
});

test("says where an error came from with --verbose", async () => {
  rmSync(line.manifest);
  expect((await line.run(["deploy", "--version", "1", "--verbose"])).stderr).toMatch(/\n {4}at /);
  expect((await line.run(["deploy", "--version", "1"])).stderr).not.toMatch(/\n {4}at /);
});
