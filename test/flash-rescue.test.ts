// A device that is dead, or new, is made one of the fleet with nothing but a cable.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { createHardware, runBootloader, runSimCli } from "@tinybms/firmware-sim";
import { type EmbeddedBroker, startEmbeddedBroker } from "@tinybms/firmware-sim/testkit";
import { parseStateReport, topicsOf } from "@tinybms/ota-core";
import {
  buildAppImage,
  buildPartitionTable,
  parsePartitionCsv,
  TWO_OTA_LARGE_PARTITION_CSV,
} from "@tinybms/ota-core/esp";
import { connectAsync } from "mqtt";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createReleaseLine, type ReleaseLine, runCommand, TOPIC } from "../packages/ota-publisher/test/release-line.ts";

/** Where that table has its OTA slots. */
const SLOTS = ["0x20000", "0x1d0000"];

let folder: string;
let line: ReleaseLine;
let broker: EmbeddedBroker;
let ends: (() => unknown)[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-rescue-"));
  line = createReleaseLine();
  broker = await startEmbeddedBroker({});
  ends = [];
});

afterEach(async () => {
  for (const end of ends.reverse()) await end();
  await broker.close();
  line.remove();
  rmSync(folder, { recursive: true, force: true });
});

function fileOf(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const image = (version: string) => buildAppImage({ version, projectName: "gateway", sizeBytes: 60_000 });

/** `tinybms-sim run --serial`, until the test ends. @returns The port's URL. */
async function startSim(...args: readonly string[]): Promise<string> {
  const [stdout, stderr, interrupt] = [new PassThrough(), new PassThrough(), new AbortController()];
  const command = ["run", "--serial", "tcp:127.0.0.1:0", "--json", "--verbose", ...args];
  const ended = runSimCli(command, { stdout, stderr, env: {}, signal: interrupt.signal });
  void text(stdout);
  ends.push(async () => {
    interrupt.abort();
    await ended;
  });
  let said = "";
  return new Promise((resolve, reject) => {
    stderr.setEncoding("utf8").on("data", (chunk: string) => {
      said += chunk;
      const found = /socket:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0];
      if (found !== undefined) resolve(found);
    });
    void ended.then((code) => reject(new Error(`ended with ${code}: ${said}`)));
  });
}

/** Runs a command that must succeed. */
async function run(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { exitCode, stdout, stderr } = await runCommand([...args, "--json"]);
  expect(exitCode, stderr).toBe(0);
  return JSON.parse(stdout);
}

/** Waits until a device reports a version as confirmed. */
async function reports(device: string, version: string): Promise<void> {
  const client = await connectAsync(broker.url);
  ends.push(() => client.endAsync());
  await new Promise<void>((resolve) => {
    client.on("message", (_, payload) => {
      if (parseStateReport(new Uint8Array(payload)).version === version) resolve();
    });
    void client.subscribeAsync(topicsOf(TOPIC).state(device), { qos: 1 });
  });
}

test("a device whose slots are both corrupt is brought back by flash --all, and then updated over MQTT", async () => {
  const device = ["--broker", broker.url, "--topic", TOPIC, "--product", "gateway"];
  const port = await startSim(...device, "--app", fileOf("old.bin", image("1.0.0")));
  await reports("bench-1", "1.0.0");

  const garbage = fileOf("garbage.bin", new Uint8Array(0x4000).fill(0x5a));
  await run("flash", "--port", port, ...SLOTS.flatMap((slot) => ["--image", `${garbage}@${slot}`]));
  const dump = join(folder, "dump.bin");
  await run("read-flash", "--port", port, "--out", dump);
  const bricked = createHardware({ chip: "esp32", flashDump: new Uint8Array(readFileSync(dump)) });
  expect(runBootloader(bricked).kind).not.toBe("boots");

  fileOf("partition-table.bin", buildPartitionTable(parsePartitionCsv(TWO_OTA_LARGE_PARTITION_CSV)));
  fileOf("app.bin", image("1.1.0"));
  const args = { flash_files: { "0x8000": "partition-table.bin", "0x20000": "app.bin" } };
  const rescued = await run("flash", "--port", port, "--all", fileOf("flasher_args.json", JSON.stringify(args)));
  expect(rescued).toMatchObject({ boards: [{ slot: "ota_0", started: { version: "1.1.0" } }] });
  await reports("bench-1", "1.1.0");

  const next = fileOf("next.bin", image("2.0.0"));
  await run("package", "--binary", next, "--update-manifest", "--manifest", line.manifest);
  const deploy = ["deploy", "--version", "2.0.0", "--manifest", line.manifest, "--broker", broker.url, "--expect", "1"];
  const deployed = await run(...deploy, "--timeout", "60");
  expect(deployed).toMatchObject({
    deliveries: [{ outcome: "delivered", devices: [{ device: "bench-1", state: "confirmed", version: "2.0.0" }] }],
  });
});

test("a device that is provisioned by cable is who its NVS says, and joins the broker that it names", async () => {
  const port = await startSim("--app", fileOf("old.bin", image("1.0.0")));
  const nvs = join(folder, "nvs.bin");
  const to = ["--broker", broker.url, "--topic", TOPIC, "--product", "gateway", "--allow-unsigned"];
  await run("provision", "--device", "bms-42", "--out", nvs, ...to, "--manifest", line.manifest);
  const app = fileOf("new.bin", image("1.2.0"));
  const flashed = await run("flash", "--port", port, "--app", app, "--nvs", nvs);
  expect(flashed).toMatchObject({ boards: [{ slot: "ota_1", started: { version: "1.2.0" } }] });
  await reports("bms-42", "1.2.0");
});
