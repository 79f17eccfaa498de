import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { Writable } from "node:stream";
import { sha256, toHex } from "@tinybms/ota-core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createReleaseLine, IMAGE, type ReleaseLine, ROOT_MANIFEST } from "../../test/release-line.ts";
import { runCli } from "../cli/run-cli.ts";

let line: ReleaseLine;

beforeEach(() => {
  line = createReleaseLine();
});

afterEach(() => line.remove());

/** Writes a line of one version, both files with a line for each member. */
function writeLine({
  channels = {},
  artifact = {},
  id = "1.2.3",
}: {
  channels?: object;
  artifact?: object;
  id?: string;
} = {}) {
  const { mqtt } = ROOT_MANIFEST.deployment.channels;
  const deployment = { channels: { mqtt, ...channels }, default_protocols: ["mqtt"] };
  const versions = [{ id, manifest: `${id}/ota.json` }];
  line.writeManifest(JSON.stringify({ ...ROOT_MANIFEST, deployment, versions }, null, 2));
  const described = {
    name: "gateway",
    filename: "a.bin",
    size: IMAGE.length,
    sha256: toHex(sha256(IMAGE)),
    ...artifact,
  };
  mkdirSync(join(line.folder, "ota", id));
  writeFileSync(
    join(line.folder, "ota", id, "ota.json"),
    JSON.stringify({ version: id, artifacts: [described] }, null, 2),
  );
  writeFileSync(join(line.folder, "ota", id, "a.bin"), IMAGE);
}

async function validate(args: readonly string[] = [], env: Record<string, string> = {}) {
  const texts = { stdout: "", stderr: "" };
  const streamTo = (name: "stdout" | "stderr") =>
    new Writable({
      decodeStrings: false,
      write(chunk: unknown, _encoding, done) {
        texts[name] += String(chunk);
        done();
      },
    });
  const world = { stdout: streamTo("stdout"), stderr: streamTo("stderr"), env, signal: new AbortController().signal };
  const exitCode = await runCli(["validate", "--manifest", line.manifest, ...args], world);
  return { exitCode, ...texts };
}

test("a valid release line exits with 0, and with --json lists no problems", async () => {
  writeLine();
  expect(await validate()).toEqual({ exitCode: 0, stdout: `${line.manifest}: valid\n`, stderr: "" });
  expect(JSON.parse((await validate(["--json"])).stdout)).toEqual({ valid: true, problems: [] });
});

test("a fault has its place, code and pointer on one line, and exit 2", async () => {
  writeLine({ artifact: { size: 7 } });
  const file = join(line.folder, "ota", "1.2.3", "ota.json");
  const { exitCode, stdout, stderr } = await validate();
  expect(exitCode).toBe(2);
  expect(stdout).toBe(
    `${file}:7:15: error manifest/artifact-mismatch /artifacts/0/size: the size of ${join(line.folder, "ota", "1.2.3", "a.bin")} is ${IMAGE.length}; the manifest says 7\n`,
  );
  expect(stderr).toBe("1 error\n");
  const json = await validate(["--json"]);
  expect(json.exitCode).toBe(2);
  expect(JSON.parse(json.stdout)).toEqual({
    valid: false,
    problems: [
      {
        code: "manifest/artifact-mismatch",
        path: "1.2.3/ota.json#/artifacts/0/size",
        message: expect.stringContaining("the manifest says 7"),
        severity: "error",
        file,
        pointer: "/artifacts/0/size",
        line: 7,
        column: 15,
      },
    ],
  });
});

test("warnings alone leave the line valid, and --quiet omits them", async () => {
  writeLine({ channels: { mqtt: { topic: "bench/ota", broker: "$BROKER", password: "hunter2" } } });
  const { exitCode, stdout, stderr } = await validate();
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/:\d+:\d+: warning manifest\/variable-unset .*BROKER/);
  expect(stdout).toMatch(/:\d+:\d+: warning manifest\/literal-secret .*\n.*: valid\n$/);
  expect(stderr).toBe("2 warnings\n");
  expect(JSON.parse((await validate(["--json"])).stdout)).toMatchObject({ valid: true, problems: [{}, {}] });
  expect(await validate(["--quiet"])).toEqual({ exitCode: 0, stdout: "", stderr: "" });
});

test("a variable is looked up in the environment of the command", async () => {
  writeLine({ channels: { mqtt: { topic: "bench/ota", broker: "$BROKER" } } });
  expect((await validate([], { BROKER: "mqtt://ops:hunter2@host" })).stdout).toBe(`${line.manifest}: valid\n`);
});

test("annotations name the file from the workspace, and escape what would end them", async () => {
  writeLine({
    id: "1%,2",
    artifact: { name: "a\n::error::b", size: 7 },
    channels: { mqtt: { topic: "t", password: "x" } },
  });
  const { exitCode, stdout } = await validate(["--format", "github"], { GITHUB_WORKSPACE: line.folder });
  expect(exitCode).toBe(2);
  expect(stdout.split("\n")).toEqual([
    expect.stringMatching(
      /^::warning file=ota\/manifest\.json,line=\d+,col=\d+,title=manifest\/literal-secret::\/deployment/,
    ),
    expect.stringMatching(
      /^::error file=ota\/1%25%2C2\/ota\.json,line=7,col=15,title=manifest\/artifact-mismatch::\/artif/,
    ),
    "",
  ]);
  const elsewhere = await validate(["--format", "github"], { GITHUB_WORKSPACE: join(line.folder, "other") });
  expect(elsewhere.stdout).toContain(`file=${line.manifest.replaceAll("\\", "/").replaceAll(":", "%3A")},`);
});

test("without a workspace an annotation names the file as it was given", async () => {
  writeLine({ artifact: { size: 7 } });
  const given = relative(process.cwd(), line.manifest);
  const { stdout } = await validate(["--format", "github", "--manifest", given]);
  expect(stdout).toContain(`file=${relative(process.cwd(), join(line.folder, "ota/1.2.3/ota.json"))},`);
});

test("no planted secret is in any output, regardless of other faults in the channels", async () => {
  const planted = (index: number) => `pl4nted-s3cret-${index}`;
  const https = {
    url: `ftp://ops:${planted(0)}@host/?token=${planted(1)}`,
    headers: { Authorization: `Bearer ${planted(2)}`, "X-Api-Key": [planted(3)], Cookie: { a: planted(4) } },
    method: `https://ops:${planted(5)}@host`,
    key: `-----BEGIN PRIVATE KEY-----\n${planted(6)}`,
  };
  const mqtt = {
    broker: `bob:${planted(7)}@host`,
    topic: `mqtt://a:${planted(8)}@#`,
    password: { nested: planted(9) },
    mode: `x?access_token=${planted(10)}`,
    username: [planted(11)],
  };
  writeLine({
    channels: { mqtt, https, pigeon: { token: planted(12) } },
    artifact: { filename: `https://u:${planted(13)}@h/x` },
  });
  for (const args of [[], ["--json"], ["--verbose"], ["--verbose", "--json"], ["--format", "github"]]) {
    const { exitCode, stdout, stderr } = await validate(args);
    expect(exitCode).toBe(2);
    expect(stdout + stderr).not.toMatch(/pl4nted/);
  }
  const { problems } = JSON.parse((await validate(["--json"])).stdout);
  expect(problems.length).toBeGreaterThan(8);
});

test("no planted secret is in the output of package and deploy for such a manifest", async () => {
  const mqtt = {
    broker: "mqtt://ops:pl4nted@host",
    topic: "a/#?token=pl4nted",
    password: ["pl4nted"],
    mode: "x@pl4nted",
  };
  writeLine({ channels: { mqtt } });
  for (const args of [
    ["deploy", "--version", "1.2.3", "--dry-run"],
    ["package", "--binary", line.binary, "--dry-run"],
  ]) {
    for (const more of [["--verbose"], ["--verbose", "--json"]]) {
      const { exitCode, stdout, stderr } = await line.run([...args, ...more]);
      expect(exitCode).toBe(2);
      expect(stdout + stderr).not.toMatch(/pl4nted/);
    }
  }
});
