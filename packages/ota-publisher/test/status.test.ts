import { type EmbeddedBroker, startEmbeddedBroker } from "@tinybms/ota-broker";
import { buildStateReport, type StateReport, sha256, toHex, topicsOf } from "@tinybms/ota-core";
import { connectAsync, type MqttClient } from "mqtt";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type CliRun, createReleaseLine, IMAGE, type ReleaseLine, TOPIC } from "./release-line.ts";

const topics = topicsOf(TOPIC);

let broker: EmbeddedBroker;
let line: ReleaseLine;
let client: MqttClient;

beforeEach(async () => {
  broker = await startEmbeddedBroker({ port: 0 });
  line = createReleaseLine();
  client = await connectAsync(broker.url);
  const args = ["package", "--binary", line.binary, "--version", "1.2.3", "--update-manifest"];
  expect((await line.run(args)).exitCode).toBe(0);
});

afterEach(async () => {
  await client.endAsync();
  await broker.close();
  line.remove();
});

async function report(device: string, members: Partial<StateReport> = {}): Promise<void> {
  const document: StateReport = {
    protocol: 1,
    device,
    state: "confirmed",
    version: "1.2.3",
    slot: "ota_1",
    running_sha256: toHex(sha256(IMAGE)),
    received: 0,
    total: 0,
    accepted: [0, 7],
    rollback: true,
    clock: true,
    online: true,
    boot_count: 2,
    ...members,
  };
  const options = { qos: 1, retain: true } as const;
  await client.publishAsync(topics.state(device), Buffer.from(buildStateReport(document)), options);
}

const status = (...args: readonly string[]): Promise<CliRun> => line.run(["status", "--broker", broker.url, ...args]);

const OTHER_IMAGE = "ab".repeat(32);

async function reportThree(): Promise<void> {
  await report("bench-1");
  await report("bench-2", { online: false });
  const error = { code: "flash/failed", message: "sector 3" };
  await report("bench-3", { state: "failed", running_sha256: OTHER_IMAGE, version: "1.0.0", accepted: [0, 6], error });
}

test("shows devices by the release that they run, and a summary", async () => {
  await reportThree();
  const { exitCode, stdout } = await status();
  expect(exitCode).toBe(0);
  expect(stdout.replace(/:\d+, topic/, ":PORT, topic")).toMatchInlineSnapshot(`
    "mqtt://127.0.0.1:PORT, topic bench/ota
    device   state                release  slot   chunks  accepted    keys  error
    bench-1  confirmed            1.2.3    ota_1          0.7         -
    bench-2  confirmed (offline)  1.2.3    ota_1          0.7         -
    bench-3  failed               (1.0.0)  ota_1          0.6 behind  -     flash/failed
    3 devices, 2 online, 1 behind the latest offer
    by release: 1.2.3 2, (1.0.0) 1
    by state: confirmed 2, failed 1
    by error: flash/failed 1
    "
  `);
});

test("prints one document for programs", async () => {
  await reportThree();
  const { stdout } = await status("--json", "--state", "failed");
  const { fleets } = JSON.parse(stdout);
  expect(fleets).toMatchObject([
    {
      topic: TOPIC,
      malformed: 0,
      devices: [
        {
          device: "bench-3",
          online: true,
          state: "failed",
          releases: [],
          accepted: [0, 6],
          behind: true,
          error: { code: "flash/failed", message: "sector 3" },
        },
      ],
    },
  ]);
});

test("prints CSV in which no cell is a formula", async () => {
  await report("bench-1", { state: "failed", error: { code: "flash/failed", message: '=cmd|"calc"' } });
  const { stdout } = await status("--csv");
  const [headings, row, end] = stdout.split("\r\n");
  expect(headings?.split(",")).toHaveLength(15);
  expect(row).toMatch(/^bench-1,true,failed,1\.2\.3,1\.2\.3,ota_1,[0-9a-f]{64},0,0,0,7,false,,flash\/failed,/);
  expect(row?.endsWith(`"'=cmd|""calc"""`)).toBe(true);
  expect(end).toBe("");
});

test("filters by device and release", async () => {
  await reportThree();
  const devicesOf = async (...args: readonly string[]): Promise<readonly string[]> => {
    const { fleets } = JSON.parse((await status("--json", ...args)).stdout);
    return fleets[0].devices.map(({ device }: { readonly device: string }) => device);
  };
  expect(await devicesOf("--release", "1.2.3")).toEqual(["bench-1", "bench-2"]);
  expect(await devicesOf("--device", "bench-2", "--device", "bench-3")).toEqual(["bench-2", "bench-3"]);
  expect(await devicesOf("--release", "9.9.9")).toEqual([]);
});

test("says so if no device has reported, and counts messages that are not reports", async () => {
  await client.publishAsync(topics.state("bench-1"), "hello", { qos: 1, retain: true });
  const { exitCode, stdout, stderr } = await status();
  expect(exitCode).toBe(0);
  expect(stdout).toContain("0 devices");
  expect(stderr).toContain("1 messages are not state reports");
});

test("prints each change until it is interrupted", async () => {
  await report("bench-1", { state: "downloading", received: 3, total: 10 });
  const end = new AbortController();
  let printed = "";
  const run = line.run(["status", "--watch", "--broker", broker.url], {
    signal: end.signal,
    onStdout: (text) => {
      printed += text;
    },
  });
  await expect.poll(() => printed).toContain("by state: downloading 1");
  await report("bench-1", { state: "downloading", received: 10, total: 10 });
  await report("bench-1");
  await expect.poll(() => printed).toContain("bench-1: confirmed, 1.2.3");
  end.abort();
  await run;
  expect(printed).toContain("bench-1: downloading 10/10, 1.2.3");
});

test.for([
  [["--watch", "--json"], "--watch"],
  [["--state", "sleeping"], "--state"],
  [["--broker", "embedded"], "--broker"],
] as const)("refuses %j", async ([args, option]) => {
  const { exitCode, stdout } = await line.run(["status", "--json", ...args]);
  expect(exitCode).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: "arguments/invalid", details: { option } } });
});
