/** Every command of the README, in order, in a folder that holds what a clone and a build of one's own hold. */
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

/** This very test is part of the one, and the other has tests of its own. */
const NOT_RUN: readonly string[] = ["test", "demo"];

/** The README's shell blocks, one command a line, without comments. */
const COMMANDS = [...readFileSync(join(ROOT, "README.md"), "utf8").matchAll(/```sh\n(.*?)```/gs)]
  .flatMap(([, block = ""]) => block.trim().split("\n"))
  .map((line) => line.replace(/\s+#.*$/, ""));

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

/** Starts what a line of the README starts, without pnpm, which would have to be downloaded. */
function start(line: string, more = ""): Started {
  const [, name = "", rest = ""] = /^npx -y pnpm@12 -s (\S+) (.*)$/.exec(line) ?? [];
  const script = SCRIPTS[name]
    ?.replace(/^node /, `"${process.execPath}" `)
    .replaceAll(/(?<= )(?=scripts\/)/g, `${ROOT}/`);
  const env = { ...process.env, TINYBMS_OTA_PASSPHRASE: "a passphrase of a team", INIT_CWD: folder };
  const child = spawn(`exec ${script} ${here(rest)} ${more}`, {
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

async function stop({ child, end }: Started): Promise<void> {
  child.kill("SIGINT");
  await end;
}

test("every command is a script of the workspace, and goes by pnpm's one line", () => {
  expect(COMMANDS.length).toBeGreaterThan(15);
  for (const line of COMMANDS) {
    const [, name = ""] = /^npx -y pnpm@12 (?:-s )?(\S+)/.exec(line) ?? [];
    expect(Object.keys(SCRIPTS), line).toContain(name);
  }
});

test("every command does what it says, in the README's order", async () => {
  const at = (name: string): string => `npx -y pnpm@12 -s tinybms-sim run ${name}`;
  const three = '--broker mqtt://localhost:1883 --devices 3 --product "TinyBMS Web Gateway"';
  const serial = COMMANDS.find((line) => line.includes("--serial")) ?? "";
  let board: Started | undefined;
  for (const line of COMMANDS) {
    const name = /^npx -y pnpm@12 (?:-s )?(\S+)/.exec(line)?.[1] ?? "";
    if (NOT_RUN.includes(name) || line === serial) continue;
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
