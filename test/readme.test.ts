/** Runs every command of the README in order, in a folder with a release line and the build of an app. */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EmbeddedBroker, startEmbeddedBroker } from "../packages/ota-broker/src/index.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SCRIPTS: Record<string, string> = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).scripts;
const FLASHER = join(ROOT, "test/fixtures/formats/F9-flash-size-detect");

const README = readFileSync(join(ROOT, "README.md"), "utf8");

/** The README's walkthrough, a shell script. */
const WALKTHROUGH = /<!-- walkthrough -->\n```sh\n(.*?)```/s.exec(README)?.[1] ?? "";

/** The other shell blocks, one command a line, without comments. */
const COMMANDS = [...README.replace(WALKTHROUGH, "").matchAll(/```sh\n(.*?)```/gs)]
  .flatMap(([, block = ""]) => block.trim().split("\n"))
  .map((line) => line.replace(/\s+#.*$/, ""))
  .filter((line) => line !== "");

/** Scripts of the workspace, which have tests of their own. */
const WORKSPACE_COMMANDS = COMMANDS.filter((line) => line.startsWith("npx "));

let folder = "";
let broker: EmbeddedBroker;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-readme-"));
  broker = await startEmbeddedBroker({ host: "127.0.0.1", port: 0 });
  cpSync(join(ROOT, "ota"), join(folder, "ota"), { recursive: true });
  const manifest = join(folder, "ota", "manifest.json");
  writeFileSync(manifest, here(readFileSync(manifest, "utf8")));
  cpSync(FLASHER, join(folder, "build"), { recursive: true });
  const app = buildAppImage({ version: "1.2.3", projectName: "tinybms-gateway", sizeBytes: 40_000 });
  writeFileSync(join(folder, "build", "app.bin"), app);
  writeFileSync(join(folder, "list.csv"), "device_id\nnode-1\nnode-2\n");
  mkdirSync(join(folder, "build", "partition_table"));
  cpSync(join(FLASHER, "partition-table.bin"), join(folder, "build", "partition_table", "partition-table.bin"));
});

afterAll(async () => {
  for (const child of running) child.kill("SIGKILL");
  await broker.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A text with the ports of this test in place of the usual ones, which may be taken. */
const here = (text: string): string =>
  text.replaceAll("mqtt://localhost:1883", broker.url).replace("tcp:127.0.0.1:4000", "tcp:127.0.0.1:0");

interface Started {
  readonly child: ChildProcess;
  /** All that it has written to standard error. */
  stderr(): string;
  readonly end: Promise<number | null>;
}

/** Starts a line of the README by the clone's own scripts, in a folder outside of the clone. */
function start(line: string, more = ""): Started {
  const command = here(line).replace(/^\.\//, `exec ${ROOT}/`);
  const env = { ...process.env, TINYBMS_OTA_PASSPHRASE: "a passphrase of a team" };
  const child = spawn(`${command} ${more}`, {
    shell: true,
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let text = "";
  child.stdout.resume();
  child.stderr.on("data", (chunk) => {
    text += String(chunk);
  });
  const end = new Promise<number | null>((resolve) => child.once("close", resolve)).finally(() =>
    running.delete(child),
  );
  return { child, stderr: () => text, end };
}

async function run(line: string, more?: string): Promise<void> {
  const { end, stderr } = start(line, more);
  expect(await end, `${line}\n${stderr()}`).toBe(0);
}

/** Starts a command that runs until it is stopped, and waits until it has said that it is at work. */
async function startUntil(line: string, said: RegExp): Promise<Started> {
  const started = start(line);
  await Promise.race([
    new Promise<void>((resolve) => started.child.stderr?.on("data", () => said.test(started.stderr()) && resolve())),
    started.end.then(() => expect.fail(`${line}\n${started.stderr()}`)),
  ]);
  return started;
}

/** Runs a shell script to its end. */
async function runScript(script: string, cwd: string): Promise<{ exitCode: number | null; output: string }> {
  const child = spawn("bash", ["-c", script], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += String(chunk);
    });
  }
  const exitCode = await new Promise<number | null>((resolve) => child.once("close", resolve));
  running.delete(child);
  return { exitCode, output };
}

async function stop({ child, end }: Started): Promise<void> {
  child.kill("SIGINT");
  await end;
}

test("every command is a script of the workspace or a command of the clone", () => {
  expect(COMMANDS.length).toBeGreaterThan(15);
  for (const line of WORKSPACE_COMMANDS) {
    const [, name = ""] = /^npx -y pnpm@12 (\S+)$/.exec(line) ?? [];
    expect(["test", ...Object.keys(SCRIPTS)], line).toContain(name);
  }
  for (const line of COMMANDS.filter((command) => !WORKSPACE_COMMANDS.includes(command))) {
    expect(line).toMatch(/^\.\/tinybms-(ota|sim) /);
  }
});

test("the walkthrough delivers an app image to a simulated device in five commands", async () => {
  expect(WALKTHROUGH.trim().split("\n")).toHaveLength(5);
  const empty = join(folder, "empty");
  mkdirSync(empty);
  mkdirSync(join(folder, "my-project", "build"), { recursive: true });
  const app = buildAppImage({ version: "1.2.3", projectName: "my-app", sizeBytes: 40_000 });
  writeFileSync(join(folder, "my-project", "build", "app.bin"), app);
  const script = WALKTHROUGH.replaceAll("../tinybms-ota/", ROOT)
    .replace("--broker embedded", `--broker ${broker.url}`)
    .replace("--expect 1", `--expect 1 --timeout 300 --json --broker ${broker.url}`);
  const { exitCode, output } = await runScript(`set -m\n${script}`, empty);
  expect(exitCode, output).toBe(0);
  expect(output).toContain('"outcome": "delivered"');
});

test("every command does what it says, in the README's order", async () => {
  const at = (name: string): string => `./tinybms-sim run ${name}`;
  const three = '--broker mqtt://localhost:1883 --devices 3 --product "TinyBMS Web Gateway"';
  const serial = COMMANDS.find((line) => line.includes("--serial")) ?? "";
  let board: Started | undefined;
  for (const line of COMMANDS) {
    if (WORKSPACE_COMMANDS.includes(line) || line === serial) continue;
    if (line.includes("tinybms-sim run")) await stop(await startUntil(line, /topic /));
    else if (line.includes("--expect 3")) {
      const trust = line.includes("--sign-key") ? "--id signed --key-set ota/keys/1.json" : "";
      const devices = await startUntil(at(`${three} ${trust}`), /topic /);
      await run(line, "--timeout 300");
      await stop(devices);
    } else if (line.includes("tinybms-ota flash")) {
      board ??= await startUntil(serial, /socket:\/\/\S+/);
      await run(line, `--port ${/socket:\/\/[^\s,)]+/.exec(board.stderr())?.[0]}`);
    } else await run(line);
  }
  if (board !== undefined) await stop(board);
});
