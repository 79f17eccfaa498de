// tinybms-sim run --nvs: devices that are what their NVS says.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { parsePasswordFile, passwordLine } from "@tinybms/ota-broker";
import { topicsOf } from "@tinybms/ota-core";
import {
  buildAppImage,
  buildNvsPartition,
  encryptNvsPartition,
  type NvsEntryInput,
  type Provisioning,
  provisioningEntries,
} from "@tinybms/ota-core/esp";
import { envelopeToJson, parseEnvelope } from "@tinybms/ota-core/signing";
import { connectAsync } from "mqtt";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runSimCli } from "../src/cli.ts";
import { provisioningInFlash } from "../src/device/device-partitions.ts";
import { createHardware, createProvisionedDevice, publishImage } from "../src/index.ts";
import { type EmbeddedBroker, startEmbeddedBroker } from "../src/testkit/index.ts";
import { publishOver } from "./mqtt-publisher.ts";
import { createFleetKeys, signerOf } from "./signed-fleet.ts";

const TOPIC = "factory/ota";
const PRODUCT = "Factory Product";
const KEYS = createFleetKeys(PRODUCT);
const KEY_SET = envelopeToJson(parseEnvelope(KEYS.keySets[0]));
const APP = buildAppImage({ version: "1.0.0", projectName: "gateway", sizeBytes: 65_536, seed: 1 });
const NEW = buildAppImage({ version: "2.0.0", projectName: "gateway", sizeBytes: 65_536, seed: 2 });

let folder: string;
let broker: EmbeddedBroker;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tinybms-run-provisioned-"));
  broker = await startEmbeddedBroker({});
});
afterEach(async () => {
  await broker.close();
  await rm(folder, { recursive: true, force: true });
});

const told = (id: string, changes: Partial<Provisioning> = {}): Provisioning => ({
  provisioning: 1,
  device_id: id,
  broker: broker.url,
  topic: TOPIC,
  product: PRODUCT,
  key_set: KEY_SET,
  ...changes,
});
const nvsOf = (document: Provisioning, more: readonly NvsEntryInput[] = []) =>
  buildNvsPartition([...provisioningEntries(document), ...more], { sizeBytes: 0x6000 });

async function file(name: string, content: Uint8Array | string): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

async function sim(args: readonly string[], signal = new AbortController().signal) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const [out, err] = [text(stdout), text(stderr)];
  const code = await runSimCli(args, { stdout, stderr, env: {}, signal });
  stdout.end();
  stderr.end();
  return { code, out: await out, err: await err };
}

const publication = { image: NEW, topicRoot: TOPIC, product: PRODUCT };

test("takes name, broker, topic, product and keys from NVS, without other options", async () => {
  const files = [await file("a.bin", nvsOf(told("bms-7"))), await file("b.bin", nvsOf(told("shed-2")))];
  const stop = await publishOver(broker.url, TOPIC, publishImage({ ...publication, sign: signerOf(KEYS) }));
  const app = await file("app.bin", APP);
  const { code, out, err } = await sim([
    ...["run", "--nvs", ...files, "--app", app, "--until", "settled", "--timeout", "20", "--json"],
  ]);
  await stop();
  const { devices } = JSON.parse(out);
  expect(devices, err).toMatchObject([
    { device: "bms-7", state: "confirmed", version: "2.0.0", bootCount: 2 },
    { device: "shed-2", state: "confirmed", version: "2.0.0" },
  ]);
  expect(code).toBe(0);
  expect(err).toContain("the devices accept only signed offers, because their NVS has a key set");
});

test("accepts an unsigned offer with allow_unsigned, and rejects it with a key set", async () => {
  const files = [
    await file("a.bin", nvsOf(told("open-1", { key_set: undefined as never, allow_unsigned: true }))),
    await file("b.bin", nvsOf(told("closed-1"))),
  ];
  const stop = await publishOver(broker.url, TOPIC, publishImage(publication));
  const watcher = await connectAsync(broker.url);
  const ended = new AbortController();
  watcher.on("message", (topic, payload) => {
    const { state } = JSON.parse(String(payload));
    if (topic === topicsOf(TOPIC).state("open-1") && state === "confirmed") ended.abort();
  });
  await watcher.subscribeAsync(topicsOf(TOPIC).stateFilter);
  const app = await file("app.bin", APP);
  const { out, err } = await sim(["run", "--nvs", ...files, "--app", app, "--json"], ended.signal);
  await stop();
  await watcher.endAsync();
  expect(JSON.parse(out).devices, err).toMatchObject([
    { device: "open-1", state: "confirmed" },
    { device: "closed-1", state: "idle", version: "1.0.0" },
  ]);
});

test("keeps the identity in a flash file, and flash puts NVS into its partition", async () => {
  const [app, nvs, flash] = [
    await file("app.bin", APP),
    await file("nvs.bin", nvsOf(told("kept-1"))),
    join(folder, "f.bin"),
  ];
  const made = await sim(["flash", "--app", app, "--nvs", nvs, "--output", flash, "--json"]);
  expect(JSON.parse(made.out).parts, made.out).toContainEqual({ name: "nvs", offset: 0x9000, size: 0x6000, file: nvs });
  const stop = await publishOver(broker.url, TOPIC, publishImage({ ...publication, sign: signerOf(KEYS) }));
  const ends = ["--until", "settled", "--timeout", "20", "--json"];
  const first = await sim(["run", "--flash", flash, ...ends]);
  expect(JSON.parse(first.out).devices, first.err).toMatchObject([
    { device: "kept-1", state: "confirmed", bootCount: 2 },
  ]);
  const again = await sim(["run", "--flash", flash, ...ends]);
  await stop();
  expect(JSON.parse(again.out).devices).toMatchObject([{ device: "kept-1", version: "2.0.0", bootCount: 3 }]);
  expect((await readFile(flash)).length).toBe(4 * 2 ** 20);
  const other = await sim(["run", "--flash", flash, "--topic", "other/ota", "--json"]);
  expect([other.code, JSON.parse(other.out).error.message]).toEqual([2, expect.stringContaining("the NVS of")]);
});

test("starts the broker of --broker even if it is the one in NVS", async () => {
  const { url, port } = broker;
  await broker.close();
  const nvs = await file("nvs.bin", nvsOf(told("own-1", { broker: url })));
  const args = ["run", "--nvs", nvs, "--broker", `embedded://127.0.0.1:${port}`, "--timeout", "0.5", "--json"];
  const { code, out } = await sim(args);
  expect([code, JSON.parse(out).devices[0].state]).toEqual([1, "idle"]);
});

test("logs in as its NVS says, and the broker refuses a wrong password", async () => {
  const cost = { logCost: 10, blockSize: 1, parallelization: 1 };
  const line = await passwordLine({ name: "log-1", role: "device" }, "right right", cost);
  const guarded = await startEmbeddedBroker({ users: parsePasswordFile(line, "passwords") });
  const document = (password: string) => told("log-1", { broker: guarded.url, username: "log-1", password });
  const right = await file("right.bin", nvsOf(document("right right")));
  const wrong = await file("wrong.bin", nvsOf(document("wrong wrong")));
  const refused = await sim(["run", "--nvs", wrong, "--timeout", "1", "--json"]);
  expect([refused.code, JSON.parse(refused.out).error]).toEqual([
    1,
    expect.objectContaining({
      code: "delivery/broker-unreachable",
      message: expect.stringMatching(/user name or password|refused/i),
    }),
  ]);
  expect(refused.out + refused.err).not.toContain("wrong wrong");
  const taken = await sim(["run", "--nvs", right, "--timeout", "1", "--json"]);
  await guarded.close();
  expect([taken.code, JSON.parse(taken.out).devices]).toEqual([1, [expect.objectContaining({ state: "idle" })]]);
});

test.for([
  [["--topic", "other/ota"], '--topic is "other/ota", but the NVS of bms-7 has "factory/ota"'],
  [["--product", "Other"], '--product is "Other", but the NVS of bms-7 has "Factory Product"'],
  [["--id", "bench"], "--id can't be combined with the NVS of bms-7"],
  [["--devices", "2"], "--devices is 2, but --nvs has 1"],
  [["--broker", "mqtt://127.0.0.1:1"], "--broker is mqtt://127.0.0.1:1, but the NVS of bms-7 has"],
] as const)("rejects %j if it contradicts NVS", async ([args, message]) => {
  const nvs = await file("nvs.bin", nvsOf(told("bms-7")));
  const { code, out } = await sim(["run", "--nvs", nvs, "--json", ...args]);
  expect([code, JSON.parse(out).error]).toEqual([
    2,
    expect.objectContaining({ code: "arguments/invalid", message: expect.stringContaining(message) }),
  ]);
});

test("sends a password of NVS to another machine only encrypted, and never shows it", async () => {
  const login = { username: "bms-7", password: "hush hush hush" };
  const nvs = await file("nvs.bin", nvsOf(told("bms-7", { broker: "mqtt://192.0.2.1:1", ...login })));
  const { code, out, err } = await sim(["run", "--nvs", nvs, "--json"]);
  expect([code, JSON.parse(out).error]).toEqual([2, expect.objectContaining({ code: "arguments/insecure" })]);
  expect(out + err).not.toContain("hush");
});

test("accepts options that agree with NVS", async () => {
  const nvs = await file("nvs.bin", nvsOf(told("bms-7")));
  const same = ["--topic", TOPIC, "--product", PRODUCT, "--broker", broker.url, "--devices", "1"];
  expect((await sim(["run", "--nvs", nvs, ...same, "--timeout", "0.3"])).code).toBe(1);
});

test("rejects NVS that is not provisioned, duplicated or encrypted", async () => {
  const app: NvsEntryInput = { namespace: "wifi", key: "ssid", type: "string", value: "workshop" };
  const empty = await file("empty.bin", buildNvsPartition([app], { sizeBytes: 0x6000 }));
  const one = await file("one.bin", nvsOf(told("bms-7")));
  const keys = { encryptionKey: new Uint8Array(32).fill(1), tweakKey: new Uint8Array(32).fill(2) };
  const encrypted = await file("encrypted.bin", encryptNvsPartition(nvsOf(told("bms-7")), keys));
  const refusal = async (...files: readonly string[]) => {
    const { code, out } = await sim(["run", "--nvs", ...files, "--json"]);
    expect(code).toBe(2);
    return JSON.parse(out).error;
  };
  expect(await refusal(empty)).toMatchObject({
    code: "nvs/not-provisioned",
    hint: expect.stringContaining("provision"),
  });
  expect(await refusal(encrypted)).toMatchObject({ code: "nvs/encrypted" });
  expect((await refusal(one, one)).message).toContain("two NVS partitions have the device ID bms-7");
  const missing = await sim(["run", "--json"]);
  expect([missing.code, JSON.parse(missing.out).error.message]).toEqual([
    2,
    expect.stringContaining("--broker is required"),
  ]);
});

test("reports a device whose NVS is gone, and connects to nothing", () => {
  const hardware = createHardware({ app: APP, nvs: nvsOf(told("bms-7")) });
  const device = createProvisionedDevice(hardware);
  device.boot(0);
  expect([device.status, device.id, device.provisioning?.broker]).toEqual(["running", "bms-7", broker.url]);
  device.cutPower();
  hardware.flash.load(0x9000, new Uint8Array(0x6000).fill(0xff));
  expect(device.boot(1)).toMatchObject([{ type: "log", entry: { type: "unprovisioned", device: "bms-7" } }]);
  expect([device.status, device.summary().state, device.will]).toEqual(["unprovisioned", "unprovisioned", undefined]);
});

test("keeps its identity if a provisioned device finds no free page in NVS", () => {
  const fill = Array.from({ length: 6 }, (_, index): NvsEntryInput => {
    return { namespace: "app", key: `big-${index}`, type: "blob", value: new Uint8Array(3_200).fill(index) };
  });
  const entries = [...provisioningEntries(told("bms-7")), ...fill];
  const nvs = buildNvsPartition(entries, { sizeBytes: 0x7000 }).subarray(0, 0x6000);
  const hardware = createHardware({ app: APP, nvs });
  const device = createProvisionedDevice(hardware);
  device.boot(0);
  expect([device.status, provisioningInFlash(hardware.flash)]).toEqual(["unprovisioned", told("bms-7")]);
});
