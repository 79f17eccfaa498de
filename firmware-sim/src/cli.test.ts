import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { topicsOf } from "@tinybms/ota-core";
import { buildAppImage, TWO_OTA_PARTITION_CSV } from "@tinybms/ota-core/esp";
import { connectAsync } from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { publishOver } from "../test/mqtt-publisher.ts";
import { createFleetKeys, signerOf } from "../test/signed-fleet.ts";
import { runSimCli } from "./cli.ts";
import { publishImage } from "./simulation/publish-image.ts";
import { startEmbeddedBroker } from "./testkit/index.ts";

const TOPIC = "tinybms/gateway/ota";
const PRODUCT = "TinyBMS Web Gateway";
const ANY_PORT = "embedded://127.0.0.1:0";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tinybms-sim-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, content: Uint8Array | string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function sim(args: readonly string[], signal: AbortSignal = new AbortController().signal): Promise<Ended> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const [out, err] = [text(stdout), text(stderr)];
  const code = await runSimCli(args, { stdout, stderr, env: {}, signal });
  stdout.end();
  stderr.end();
  return { code, out: await out, err: await err };
}

/** Runs devices until one has refused an unsigned offer, and then interrupts them. */
async function simUntilRefusal(brokerUrl: string, args: readonly string[]): Promise<Ended> {
  const watcher = await connectAsync(brokerUrl);
  const refused = new AbortController();
  watcher.on("message", (_, payload) => {
    if (payload.toString().includes('"code":"signing/unsigned"')) refused.abort();
  });
  await watcher.subscribeAsync(topicsOf(TOPIC).stateFilter, { qos: 1 });
  const ended = await sim(args, refused.signal);
  await watcher.endAsync();
  return ended;
}

test("run --key-set makes devices reject an unsigned offer and accept a signed one", async () => {
  const keys = createFleetKeys(PRODUCT);
  const keySet = await file("1.json", keys.keySets[0]);
  const broker = await startEmbeddedBroker({});
  const image = buildAppImage({ version: "2.0.0", projectName: "tinybms-gateway", sizeBytes: 65536, seed: 2 });
  const publication = { image, topicRoot: TOPIC, product: PRODUCT };
  const args = ["run", "--broker", broker.url, "--key-set", keySet, "--until", "settled", "--timeout", "20", "--json"];

  const stopUnsigned = await publishOver(broker.url, TOPIC, publishImage({ ...publication, sequence: 2 }));
  const unsigned = await simUntilRefusal(broker.url, args);
  await stopUnsigned();
  expect(unsigned.err).toContain("the devices are provisioned with key set 1");
  expect(unsigned.code).toBe(130);
  expect(JSON.parse(unsigned.out)).toMatchObject({ devices: [{ device: "bench-1", state: "idle", version: "1.0.0" }] });

  const stop = await publishOver(broker.url, TOPIC, publishImage({ ...publication, sign: signerOf(keys) }));
  const signed = await sim(args);
  await stop();
  await broker.close();
  expect(JSON.parse(signed.out)).toMatchObject({ devices: [{ state: "confirmed", version: "2.0.0" }] });
});

test("run uses the key set in the flash of a device that was provisioned in an earlier run", async () => {
  const keys = createFleetKeys(PRODUCT);
  const broker = await startEmbeddedBroker({});
  const args = [
    "run",
    "--broker",
    broker.url,
    "--flash",
    join(folder, "provisioned.bin"),
    "--until",
    "settled",
    "--json",
  ];
  const image = buildAppImage({ version: "2.0.0", projectName: "tinybms-gateway", sizeBytes: 65536, seed: 2 });
  const publication = { image, topicRoot: TOPIC, product: PRODUCT };
  const stopSigned = await publishOver(broker.url, TOPIC, publishImage({ ...publication, sign: signerOf(keys) }));
  const keySet = await file("1.json", keys.keySets[0]);
  expect(await sim([...args, "--key-set", keySet, "--timeout", "20"])).toMatchObject({ code: 0 });
  await stopSigned();

  const other = buildAppImage({ version: "3.0.0", projectName: "tinybms-gateway", sizeBytes: 65536, seed: 3 });
  const stop = await publishOver(broker.url, TOPIC, publishImage({ ...publication, image: other, sequence: 2 }));
  const { out } = await simUntilRefusal(
    broker.url,
    args.filter((arg) => arg !== "--until" && arg !== "settled"),
  );
  await stop();
  await broker.close();
  expect(JSON.parse(out)).toMatchObject({ devices: [{ state: "confirmed", version: "2.0.0" }] });
});

test.for([
  ["of another product", createFleetKeys("Another Product").keySets[0], "signing/key-set-product"],
  ["that is none", new Uint8Array(20), "signing/key-set-unreadable"],
] as const)("run rejects --key-set with a key set %s", async ([name, content, code]) => {
  const { code: exitCode, err } = await sim(["run", "--broker", ANY_PORT, "--key-set", await file(name, content)]);
  expect(exitCode).toBe(2);
  expect(err).toContain(`error[${code}]`);
});

test("run --until settled ends when every device has finished, and prints one document", async () => {
  const broker = await startEmbeddedBroker({});
  const image = buildAppImage({ version: "2.0.0", projectName: "tinybms-gateway", sizeBytes: 65536, seed: 2 });
  const stop = await publishOver(broker.url, TOPIC, publishImage({ image, topicRoot: TOPIC, product: PRODUCT }));
  const args = ["run", "--broker", broker.url, "--devices", "2", "--until", "settled", "--timeout", "20", "--json"];
  const { code, out, err } = await sim([...args, "--fault", "bench-2:self-test=fail", "--verbose"]);
  await stop();
  await broker.close();
  expect(JSON.parse(out)).toMatchObject({
    devices: [
      {
        device: "bench-1",
        state: "confirmed",
        version: "2.0.0",
        slot: "ota_1",
        otadata: [
          { sequence: 4, state: "valid", valid: true },
          { sequence: 3, state: "valid", valid: true },
        ],
        bootCount: 2,
        flash: { erases: expect.any(Number), programs: expect.any(Number), bytes: expect.any(Number) },
      },
      { device: "bench-2", state: "rolled-back", version: "1.0.0", error: { code: "delivery/self-test-failed" } },
    ],
  });
  expect(code).toBe(0);
  const lines = err.split("\n").filter((line) => line.startsWith("{"));
  expect(lines.map((line) => JSON.parse(line))).toContainEqual(
    expect.objectContaining({ type: "state", device: "bench-1", state: "confirmed" }),
  );
});

test("run exits with 1 after the timeout, and prints a table", async () => {
  const partitionTable = await file("table.csv", TWO_OTA_PARTITION_CSV);
  const app = await file("app.bin", buildAppImage({ version: "4.5.6", chip: "esp32s3" }));
  const args = ["--app", app, "--partition-table", partitionTable, "--id", "desk", "--timeout", "0.5"];
  const { code, out, err } = await sim(["run", "--broker", ANY_PORT, ...args]);
  expect(out).toContain("desk-1  boots 4.5.6 from factory (start 1)\n");
  expect(out).toMatch(/^device +state +version +slot +otadata +boots +erases +error$/m);
  expect(out).toMatch(/^desk-1 +idle +4\.5\.6 +factory +blank blank +1 /m);
  expect(err).toContain("unsigned offers");
  expect(code).toBe(1);
});

test("run starts from a partition table at another offset, with a CSV without a bootloader row", async () => {
  const csv =
    "b,bootloader,primary,N/A,N/A\nt,partition_table,primary,,\nnvs,data,nvs,,0x6000\nota,data,ota,,0x2000\nfirst,app,ota_0,,1M\nb1,app,ota_1,,1M\n";
  const args = ["--partition-table", await file("rows.csv", csv), "--partition-table-offset", "0xc000"];
  const app = await file("app.bin", buildAppImage({ version: "4.5.6" }));
  const { out } = await sim(["run", "--broker", ANY_PORT, ...args, "--app", app, "--timeout", "0.5"]);
  expect(out).toContain("bench-1  boots 4.5.6 from first (start 1)\n");
  expect(out).toMatch(/^bench-1 +idle +4\.5\.6 +first +1:valid blank +1 /m);
  const serial = await sim(["run", "--serial", "tcp:127.0.0.1:0", ...args]);
  expect(serial.err).toContain("--partition-table-offset can't be combined with --serial");
});

test("run --before starts a generated app that accepts the image as an update", async () => {
  const image = buildAppImage({ version: "2.0.0", projectName: "my-app", chip: "esp32s3", sizeBytes: 65536 });
  const broker = await startEmbeddedBroker({});
  const stop = await publishOver(broker.url, TOPIC, publishImage({ image, topicRoot: TOPIC, product: PRODUCT }));
  const before = ["--before", await file("my-app.bin", image)];
  const { out } = await sim(["run", "--broker", broker.url, ...before, "--until", "settled", "--json"]);
  await stop();
  await broker.close();
  expect(JSON.parse(out)).toMatchObject({ devices: [{ state: "confirmed", version: "2.0.0" }] });
  expect((await sim(["run", "--broker", ANY_PORT, ...before, "--app", "my-app.bin"])).err).toContain("--before");
});

test("run ends cleanly on an interrupt, with its document and exit code 130", async () => {
  const interrupt = new AbortController();
  const running = sim(["run", "--broker", ANY_PORT, "--json"], interrupt.signal);
  interrupt.abort();
  const { code, out } = await running;
  expect(JSON.parse(out).devices).toHaveLength(1);
  expect(code).toBe(130);
});

test("run names a broker that it could not reach before the timeout", async () => {
  const { code, out } = await sim(["run", "--broker", "mqtt://127.0.0.1:1", "--timeout", "0.3", "--json"]);
  expect(JSON.parse(out)).toMatchObject({
    error: { code: "delivery/broker-unreachable", details: { host: "127.0.0.1", port: 1 } },
  });
  expect(code).toBe(1);
});

test.for([
  [["run"], "arguments/invalid", "--broker"],
  [["walk"], "arguments/invalid", "unknown command 'walk'"],
  [["run", "--broker", "tcp://x"], "arguments/invalid", "--broker must be mqtt://"],
  [["run", "--broker", ANY_PORT, "--devices", "0"], "arguments/invalid", "whole number from 1"],
  [["run", "--broker", ANY_PORT, "--id", "a/b"], "arguments/invalid", "is not a valid device ID"],
  [["run", "--broker", ANY_PORT, "--topic", "a/#"], "arguments/invalid", "is not a valid topic root"],
  [["run", "--broker", ANY_PORT, "--chip", "z80"], "arguments/invalid", "--chip"],
  [["run", "--broker", ANY_PORT, "--app", "/nowhere/app.bin"], "simulation/file-unreadable", "ENOENT"],
  [["run", "--broker", ANY_PORT, "--devices", "2", "--flash", "x.bin"], "arguments/invalid", "the flash of one device"],
  [["run", "--broker", ANY_PORT, "--fault", "bench-1:melt"], "simulation/invalid-fault", "melt"],
  [
    ["run", "--broker", ANY_PORT, "--fault", "bench-9:self-test=fail"],
    "simulation/invalid-fault",
    "no device from bench-1",
  ],
] as const)("%j is refused with %s", async ([args, errorCode, why]) => {
  const { code, out, err } = await sim([...args, "--json"]);
  const { error } = JSON.parse(out);
  expect(error.code).toBe(errorCode);
  expect(error.message).toContain(why);
  expect(err).toContain(`error[${errorCode}]: `);
  expect(code).toBe(2);
});

test("rejects an invalid app", async () => {
  const app = await file("noise.bin", new Uint8Array(5000).fill(7));
  const { code, err } = await sim(["run", "--broker", ANY_PORT, "--app", app]);
  expect(err).toContain("error[image/bad-magic]");
  expect(code).toBe(2);
});

test.for([
  [["rnu"], "Did you mean run?"],
  [["--verison"], "Did you mean --version?"],
  [["run", "--brokr", "embedded"], "Did you mean --broker?"],
  [["run", "--brokr=embedded"], "Did you mean --broker?"],
  [["power-cut", "--updaet", "app.bin", "--json"], "Did you mean --update?"],
  [["twin", "--flahs", "dump.bin"], "Did you mean --flash?"],
  [["flash", "--ouput", "flash.bin", "--app", "app.bin"], "Did you mean --output?"],
  [["twin"], "--help lists commands and options"],
  [[], "--help lists the commands"],
] as const)("answers %j with the hint %s", async ([args, hint]) => {
  const { code, err } = await sim(args);
  expect(err).toContain(`hint: ${hint}\n`);
  expect(code).toBe(2);
});

test("--help shows options and faults", async () => {
  const { code, out } = await sim(["run", "--help"]);
  expect(out).toContain("--partition-table <file>");
  expect(out).toContain("self-test=fail|hang|pass");
  expect(code).toBe(0);
});
