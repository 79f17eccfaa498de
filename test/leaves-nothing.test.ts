import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { createHardware, listenOnTcp, SerialCable } from "@tinybms/firmware-sim";
import { type EmbeddedBroker, startEmbeddedBroker } from "@tinybms/firmware-sim/testkit";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type LossyProxy, startLossyProxy } from "../packages/ota-publisher/test/lossy-proxy.ts";
import {
  createReleaseLine,
  type ReleaseLine,
  ROOT_MANIFEST,
  TOPIC,
} from "../packages/ota-publisher/test/release-line.ts";
import { type ScriptedDevice, startScriptedDevice } from "../packages/ota-publisher/test/scripted-device.ts";

const CHILD = fileURLToPath(new URL("./command-in-child.ts", import.meta.url));

let line: ReleaseLine;
let broker: EmbeddedBroker;
let ends: (() => Promise<unknown>)[];

beforeEach(async () => {
  line = createReleaseLine();
  broker = await startEmbeddedBroker();
  ends = [() => broker.close()];
  expect((await line.run(["package", "--binary", line.binary, "--update-manifest"])).exitCode).toBe(0);
});

afterEach(async () => {
  for (const end of ends.reverse()) await end();
  line.remove();
});

/** What a command ended with, and what kept its process alive then. */
interface Ended {
  readonly exitCode: number;
  readonly resources: readonly string[];
}

/**
 * Runs a command in a child, which ends by itself.
 *
 * @param interruptAt - What it says on standard error when it is to be interrupted.
 */
async function runInChild(args: readonly string[], interruptAt?: string): Promise<Ended> {
  const child = spawn(process.execPath, ["--conditions=@tinybms/source", CHILD, ...args], {
    cwd: line.folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (bytes: Buffer) => {
    const isNew = interruptAt !== undefined && !said.includes(interruptAt);
    said += String(bytes);
    if (isNew && said.includes(interruptAt)) child.kill("SIGINT");
  });
  const [stdout] = await Promise.all([text(child.stdout), once(child, "close")]);
  expect(stdout, said).not.toBe("");
  return JSON.parse(stdout) as Ended;
}

const ota = (args: readonly string[], interruptAt?: string): Promise<Ended> =>
  runInChild(["tinybms-ota", ...args], interruptAt);
const sim = (args: readonly string[], interruptAt?: string): Promise<Ended> =>
  runInChild(["tinybms-sim", ...args], interruptAt);
const deployArgs = (url: string, ...args: readonly string[]): readonly string[] => [
  ...["deploy", "--version", "1.2.3", "--manifest", line.manifest, "--broker", url],
  ...args,
];

async function lossy(loses: (number: number) => boolean): Promise<LossyProxy> {
  const proxy = await startLossyProxy(broker.port, loses);
  ends.push(() => proxy.close());
  return proxy;
}

async function withDevice(): Promise<ScriptedDevice> {
  const device = await startScriptedDevice(broker.url, { device: "bench-1", topicRoot: TOPIC });
  ends.push(() => device.close());
  return device;
}

test.for([
  ["no", () => false],
  ["every tenth", (number: number) => number % 10 === 0],
  // The hash list and the offer get through, and no chunk does.
  ["every later", (number: number) => number > 2],
] as const)("deploy leaves nothing after delivered, with %s acknowledgement lost", async ([, loses]) => {
  await withDevice();
  const { url } = await lossy(loses);
  const ended = await ota(deployArgs(url, "--expect", "1", "--timeout", "60", "--verbose"));
  expect(ended).toEqual({ exitCode: 0, resources: [] });
});

test("deploy leaves nothing after an error, with every acknowledgement lost", async () => {
  const { url } = await lossy(() => true);
  expect(await ota(deployArgs(url, "--timeout", "2"))).toEqual({ exitCode: 1, resources: [] });
});

test.for([
  ["waits for devices", (): boolean => false, "waiting for devices"],
  ["waits for an acknowledgement", (): boolean => true, "waiting for devices"],
] as const)("deploy leaves nothing when it is interrupted while it %s", async ([, loses, at]) => {
  const { url } = await lossy(loses);
  expect(await ota(deployArgs(url), at)).toEqual({ exitCode: 130, resources: [] });
});

test("deploy leaves nothing when it is interrupted while a broker does not answer", async () => {
  const server = createServer(() => undefined).listen(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(async () => server.close());
  const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
  server.on("connection", (socket) => ends.push(async () => socket.destroy()));
  expect(await ota(deployArgs(url, "--timeout", "1"))).toEqual({ exitCode: 1, resources: [] });
  const closed = await ota(deployArgs("mqtt://127.0.0.1:1"), "trying again");
  expect(closed).toEqual({ exitCode: 130, resources: [] });
});

test("deploy through an embedded broker leaves nothing, delivered to nobody", async () => {
  const ended = await ota(deployArgs("embedded://127.0.0.1:0", "--timeout", "1"));
  expect(ended).toEqual({ exitCode: 1, resources: [] });
});

test.for([
  ["blob", ["--mode", "blob"]],
  ["none", ["--wait", "none"]],
] as const)("deploy leaves nothing in the form %s", async ([, args]) => {
  expect(await ota(deployArgs(broker.url, ...args))).toEqual({ exitCode: 0, resources: [] });
});

test("withdraw leaves nothing, done or with every acknowledgement lost", async () => {
  expect((await ota(deployArgs(broker.url, "--wait", "none"))).exitCode).toBe(0);
  const withdraw = (url: string) =>
    ota(["withdraw", "--version", "1.2.3", "--manifest", line.manifest, "--broker", url, "--timeout", "2"]);
  expect(await withdraw((await lossy(() => true)).url)).toEqual({ exitCode: 1, resources: [] });
  expect(await withdraw(broker.url)).toEqual({ exitCode: 1, resources: [] });
});

test("deploy by https leaves nothing, with a server that keeps its connections", async () => {
  const server = createHttpServer((request, response) => {
    request.resume().on("end", () => response.writeHead(201, { "content-length": 0 }).end());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  server.keepAliveTimeout = 60_000;
  ends.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const manifest = join(line.folder, "ota", "manifest.json");
  line.writeManifest({
    ...ROOT_MANIFEST,
    deployment: { channels: { https: { url } }, default_protocols: ["https"] },
    versions: [{ id: "1.2.3", manifest: "versions/1.2.3/ota.json" }],
  });
  expect(await ota(["deploy", "--version", "1.2.3", "--manifest", manifest, "--transport", "https"])).toEqual({
    exitCode: 0,
    resources: [],
  });
});

test("the commands for a board at a cable leave nothing", async () => {
  const hardware = createHardware({
    app: buildAppImage({ version: "1.0.0", projectName: "gateway", sizeBytes: 40_000 }),
  });
  const cable = new SerialCable({ hardware });
  const board = await listenOnTcp(cable, { host: "127.0.0.1", port: 0 });
  ends.push(async () => {
    await board.close();
    cable.stop();
  });
  const port = ["--port", `socket://127.0.0.1:${board.port}`];
  const out = join(line.folder, "nvs.dump");
  for (const args of [
    ["flash", "--app", line.binary, ...port],
    ["read-flash", "--out", out, "--partition", "nvs", ...port],
    ["erase", "--partition", "nvs", ...port],
    ["monitor", "--seconds", "0.1", ...port],
  ]) {
    expect([args[0], await ota(args)]).toEqual([args[0], { exitCode: 0, resources: [] }]);
  }
  const interrupted = await ota(["flash", "--app", line.binary, "--watch", "600", "--port", "socket://127.0.0.1:1"]);
  expect(interrupted).toEqual({ exitCode: 1, resources: [] });
});

test("the commands for files leave nothing", async () => {
  const at = (name: string): string => join(line.folder, name);
  for (const args of [
    ["package", "--binary", line.binary, "--update-manifest", "--manifest", line.manifest],
    ["validate", "--manifest", line.manifest],
    ["inspect", line.binary],
    ["keygen", "--out", at("root")],
    ["keys", "init", "--keys", at("keys"), "--product", "gateway", "--sign-key", at("root")].concat(
      ...["root", "release", "offer"].map((role) => [`--${role}`, at("root.pub")]),
    ),
    ["sign", line.binary, "--sign-key", at("root"), "--out", at("app.sig")],
    ["verify", line.binary, "--key", at("root.pub"), "--signature", at("app.sig")],
    ["provision", "--device", "bench-1", "--allow-unsigned", "--manifest", line.manifest, "--out", at("nvs.bin")],
    ["smoke"],
    deployArgs(broker.url, "--dry-run"),
    ["--help"],
  ]) {
    expect([args[0], await ota(args)]).toEqual([args[0], { exitCode: 0, resources: [] }]);
  }
});

test("tinybms-sim run leaves nothing, settled, out of time or interrupted", async () => {
  const run = ["run", "--topic", TOPIC, "--product", "gateway"];
  expect(await sim([...run, "--broker", "embedded://127.0.0.1:0", "--timeout", "1"])).toEqual({
    exitCode: 1,
    resources: [],
  });
  const { url } = await lossy(() => true);
  const interrupted = await sim([...run, "--broker", url, "--devices", "3"], "accept unsigned offers");
  expect(interrupted).toEqual({ exitCode: 130, resources: [] });
  const absent = await sim([...run, "--broker", "mqtt://127.0.0.1:1"], "trying again");
  expect(absent).toEqual({ exitCode: 130, resources: [] });
  const delayed = await sim([...run, "--broker", broker.url, "--fault", "delay:ms=60000", "--timeout", "1"]);
  expect(delayed.resources).toEqual([]);
  const settling = sim([...run, "--broker", broker.url, "--until", "settled", "--timeout", "60"]);
  await ota(deployArgs(broker.url, "--wait", "none"));
  const publisher = ota(deployArgs(broker.url, "--timeout", "60"));
  expect(await settling).toEqual({ exitCode: 0, resources: [] });
  expect((await publisher).resources).toEqual([]);
});

test("the other commands of tinybms-sim leave nothing, done or interrupted", async () => {
  const at = (name: string): string => join(line.folder, name);
  mkdirSync(at("out"));
  writeFileSync(at("old.bin"), buildAppImage({ version: "1.0.0", projectName: "gateway", sizeBytes: 40_000 }));
  expect(await sim(["flash", "--output", at("flash.bin"), "--app", at("old.bin")])).toEqual({
    exitCode: 0,
    resources: [],
  });
  const sweep = ["power-cut", "--app", at("old.bin"), "--update", line.binary, "--jobs", "1"];
  expect(await sim([...sweep, "--points", "5", "--pairs", "2"])).toEqual({ exitCode: 0, resources: [] });
  const { exitCode, resources } = await sim([...sweep, "--points", "all"], "%");
  expect({ exitCode, resources }).toEqual({ exitCode: 130, resources: [] });
  const serial = await sim(["run", "--serial", "tcp:127.0.0.1:0", "--timeout", "1"]);
  expect(serial.resources).toEqual([]);
});
