import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { buildStateReport, sha256, toHex, topicsOf } from "@tinybms/ota-core";
import { connectAsync } from "mqtt";
import { startMosquitto } from "../packages/ota-publisher/test/mosquitto-broker.ts";
import { createReleaseLine, IMAGE, TOPIC } from "../packages/ota-publisher/test/release-line.ts";
import { type BenchLine, median } from "./bench-line.ts";

const DEVICES = 10_000;
const ROUNDS = 3;
/** What the first table may take, in milliseconds, and the process, in KiB. */
const LIMIT = { ms: 1_500, kib: 150 * 1_024 };

const PROGRAM = fileURLToPath(new URL("../packages/ota-publisher/dist/bin/tinybms-ota.js", import.meta.url));

type Reading = ChildProcessByStdio<null, Readable, null>;

/**
 * Shows the state of 10 000 devices whose reports Mosquitto retains, against mosquitto_sub, which prints the reports, and
 * against what a person waits for.
 */
export async function benchStatus(): Promise<readonly BenchLine[]> {
  if (!hasMosquittoSub()) throw new Error("mosquitto_sub is not installed: apt-get install mosquitto-clients");
  const folder = await mkdtemp(join(tmpdir(), "tinybms-status-"));
  const broker = await startMosquitto(folder);
  const line = createReleaseLine();
  try {
    const url = `mqtt://127.0.0.1:${broker.port}`;
    const pack = ["package", "--binary", line.binary, "--version", "1.2.3", "--update-manifest"];
    if ((await line.run(pack)).exitCode !== 0) throw new Error("the release was not packaged");
    await retainReports(url);
    const tables: { readonly ms: number; readonly kib: number }[] = [];
    const plain: number[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const table = await firstTable(url, line.manifest);
      const ms = await allReports(broker.port);
      if (round === 0) continue;
      tables.push(table);
      plain.push(ms);
    }
    const ms = median(tables.map((table) => table.ms));
    const kib = median(tables.map((table) => table.kib));
    const sub = median(plain);
    const name = `status of ${DEVICES} devices, first table`;
    return [
      { name: `${name}, against mosquitto_sub`, ours: ms, plain: sub, ratio: ms / sub, limit: 30 },
      { name, ours: ms, plain: LIMIT.ms, ratio: ms / LIMIT.ms, limit: 1 },
      { name: `${name}, memory`, ours: kib, plain: LIMIT.kib, unit: "KiB", ratio: kib / LIMIT.kib, limit: 1 },
    ];
  } finally {
    line.remove();
    await broker.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

async function retainReports(url: string): Promise<void> {
  const client = await connectAsync(url);
  const running = toHex(sha256(IMAGE));
  for (let index = 0; index < DEVICES; index++) {
    const device = `gateway-${index}`;
    const report = buildStateReport({
      ...{ protocol: 1, device, state: "confirmed", version: "1.2.3", slot: "ota_1", running_sha256: running },
      ...{ received: 0, total: 0, accepted: [1, 7], rollback: true, clock: true, online: true, boot_count: 2 },
    });
    await client.publishAsync(topicsOf(TOPIC).state(device), Buffer.from(report), { qos: 1, retain: true });
  }
  await client.endAsync();
}

/** Runs `status --watch` until its first table is complete. Returns time and peak memory at that moment. */
async function firstTable(url: string, manifest: string): Promise<{ readonly ms: number; readonly kib: number }> {
  const args = [PROGRAM, "status", "--watch", "--broker", url, "--manifest", manifest];
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
  await untilPrinted(child, `by state: confirmed ${DEVICES}\n`);
  const ms = performance.now() - startedAt;
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8")) ?? [];
  child.kill("SIGINT");
  await once(child, "close");
  return { ms, kib: Number(kib) };
}

/** Runs mosquitto_sub until it has printed all reports, in milliseconds. */
async function allReports(port: number): Promise<number> {
  const args = ["-h", "127.0.0.1", "-p", String(port), "-t", topicsOf(TOPIC).stateFilter, "-C", String(DEVICES)];
  const startedAt = performance.now();
  const child = spawn("mosquitto_sub", args, { stdio: ["ignore", "pipe", "ignore"] });
  child.stdout.resume();
  await once(child, "close");
  return performance.now() - startedAt;
}

async function untilPrinted(child: Reading, text: string): Promise<void> {
  let tail = "";
  for await (const chunk of child.stdout.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    tail = (tail + String(chunk)).slice(-text.length - 100_000);
    if (tail.includes(text)) return;
  }
  throw new Error("status ended without a table");
}

function hasMosquittoSub(): boolean {
  try {
    execFileSync("mosquitto_sub", ["--help"], { stdio: "ignore" });
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ENOENT"; // --help itself exits with a status
  }
}
