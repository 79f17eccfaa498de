import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type EmbeddedBroker, startEmbeddedBroker } from "@tinybms/ota-broker";
import { sha256, toHex, topicsOf } from "@tinybms/ota-core";
import { connectAsync, type MqttClient } from "mqtt";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sequenceFileOf } from "../src/sequence.ts";
import { createDeployLine, type DeployLine, imageOf } from "./deploy-line.ts";
import type { CliRun } from "./release-line.ts";
import { startScriptedDevice } from "./scripted-device.ts";
import { createSignedLine } from "./signed-line.ts";

const TOPIC = "bench/ota";
const TOPICS = topicsOf(TOPIC);
const IMAGE = imageOf("gateway");

let broker: EmbeddedBroker;
let lines: { remove(): void }[];
let client: MqttClient;

beforeEach(async () => {
  broker = await startEmbeddedBroker();
  lines = [];
  client = await connectAsync(broker.url);
});

afterEach(async () => {
  await client.endAsync(true);
  await broker.close();
  for (const line of lines) line.remove();
});

/** A release line of its own: another machine. */
function lineOf(bytes = IMAGE): DeployLine {
  const line = createDeployLine({ mqtt: { topic: TOPIC, rate: 0 } }, ["mqtt"], [{ name: "gateway", bytes }]);
  lines.push(line);
  return line;
}

const deploy = (line: DeployLine, ...args: readonly string[]): Promise<CliRun> =>
  line.deploy(["--broker", broker.url, "--json", ...args]);

const joinOffer = (line: DeployLine, ...args: readonly string[]): Promise<CliRun> => deploy(line, "--join", ...args);

/** The offer that the broker retains. */
async function retainedOffer(topic = TOPICS.offer): Promise<string> {
  const message = new Promise<string>((resolve) => client.once("message", (_topic, bytes) => resolve(String(bytes))));
  await client.subscribeAsync(topic, { qos: 1 });
  await client.unsubscribeAsync(topic);
  return await message;
}

/** Joins, and waits until the offer is found. A scripted device asks once, so it must not ask earlier. */
async function joinedOffer(
  line: Pick<DeployLine, "run">,
  ...args: readonly string[]
): Promise<{ readonly end: Promise<CliRun> }> {
  return await new Promise((resolve, reject) => {
    const onStderr = (text: string): void => {
      if (text.includes("joined the offer")) resolve({ end });
    };
    const all = ["deploy", "--version", "1.2.3", "--broker", broker.url, "--json", "--join", ...args];
    const end = line.run(all, { onStderr });
    end.then(({ stderr }) => reject(new Error(stderr)), reject);
  });
}

test("delivers in the place of the deploy that made the offer, and takes no number", async () => {
  expect((await deploy(lineOf(), "--wait", "none")).exitCode).toBe(0);
  const offer = await retainedOffer();
  const other = lineOf();
  const joined = await joinedOffer(other, "--expect", "1");
  const device = await startScriptedDevice(broker.url, { device: "bench-1", topicRoot: TOPIC });
  const { exitCode, stdout } = await joined.end;
  expect(exitCode, stdout).toBe(0);
  expect(JSON.parse(stdout).deliveries).toMatchObject([
    { outcome: "delivered", chunksSent: 10, devices: [{ device: "bench-1", state: "confirmed" }] },
  ]);
  expect(device.image).toEqual(IMAGE);
  expect(device.offers).toHaveLength(1);
  await device.close();
  expect(await retainedOffer()).toBe(offer);
  expect(existsSync(sequenceFileOf(other.folder))).toBe(false);
});

test("sends nothing beside a deploy that answers, and ends as it does", async () => {
  const first = deploy(lineOf(), "--expect", "1");
  await client.subscribeAsync(TOPICS.offer, { qos: 1 });
  await new Promise((resolve) => client.once("message", resolve));
  const joined = [joinOffer(lineOf(), "--expect", "1"), joinOffer(lineOf(), "--device", "bench-1")];
  const device = await startScriptedDevice(broker.url, { device: "bench-1", topicRoot: TOPIC });
  const ends = await Promise.all([first, ...joined]);
  await device.close();
  expect(ends.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
  expect(ends.map(({ stdout }) => JSON.parse(stdout).deliveries[0].chunksSent)).toEqual([10, 0, 0]);
});

test("refuses an offer of another build, with both hashes", async () => {
  const other = imageOf("gateway", 50_000);
  await deploy(lineOf(other), "--wait", "none");
  const { exitCode, stdout, stderr } = await joinOffer(lineOf());
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout).error).toMatchObject({
    code: "delivery/image-mismatch",
    details: { expected: toHex(sha256(other)), actual: toHex(sha256(IMAGE)) },
  });
  expect(stderr).toMatch(/is of another build of version 1\.2\.3/);
});

test("refuses if nothing is offered, or the offer was withdrawn", async () => {
  const line = lineOf();
  const codeOf = async () => JSON.parse((await joinOffer(line)).stdout).error;
  expect(await codeOf()).toMatchObject({ code: "delivery/not-offered", details: { version: "1.2.3", offered: [] } });
  await deploy(line, "--wait", "none");
  await line.run(["withdraw", "--version", "1.2.3", "--broker", broker.url]);
  expect(await codeOf()).toMatchObject({ code: "delivery/not-offered" });
});

test("refuses another version, and the hint joins it", async () => {
  const line = lineOf();
  for (const file of ["manifest.json", "versions/1.2.3/ota.json"]) {
    const path = join(line.folder, file);
    const text = readFileSync(path, "utf8").replace(/"(id|version)":"1.2.3"/, '"$1":"1.2.2"');
    writeFileSync(path, text);
  }
  await line.run(["deploy", "--version", "1.2.2", "--broker", broker.url, "--wait", "none"]);
  const { exitCode, stdout, stderr } = await joinOffer(lineOf());
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout).error.details).toEqual({ version: "1.2.3", offered: ["1.2.2"] });
  expect(stderr).toContain("--version 1.2.2 joins that offer");
  const joined = await joinedOffer(line, "--version", "1.2.2");
  await line.run(["withdraw", "--version", "1.2.2", "--broker", broker.url]);
  expect((await joined.end).stderr).toContain("the offer was withdrawn by");
});

test("ends as withdrawn, and as superseded by another build", async () => {
  const line = lineOf();
  await deploy(line, "--wait", "none");
  const withdrawn = await joinedOffer(lineOf());
  await line.run(["withdraw", "--version", "1.2.3", "--broker", broker.url]);
  expect((await withdrawn.end).stderr).toContain("the offer was withdrawn by");
  await deploy(line, "--wait", "none");
  const superseded = await joinedOffer(lineOf());
  await deploy(lineOf(imageOf("gateway", 50_000)), "--wait", "none");
  expect((await superseded.end).stderr).toContain("the offer was replaced by");
});

test("goes on with the next offer if that has the same image", async () => {
  const line = lineOf();
  await deploy(line, "--wait", "none");
  const joined = await joinedOffer(lineOf(), "--expect", "1");
  const again = deploy(line, "--expect", "1");
  await client.subscribeAsync(TOPICS.offer, { qos: 1 });
  const device = await startScriptedDevice(broker.url, { device: "bench-1", topicRoot: TOPIC });
  const [{ exitCode, stderr }, { exitCode: first }] = await Promise.all([joined.end, again]);
  await device.close();
  expect([exitCode, first], stderr).toEqual([0, 0]);
});

test.for([
  ["--sign-key", "offer.pem"],
  ["--rollout", "100%"],
  ["--wait", "none"],
  ["--between", "02:00-04:00"],
  ["--mode", "blob"],
  ["--broker", "embedded"],
])("refuses %s %s with --join", async (option) => {
  const { exitCode, stderr } = await lineOf().deploy(["--broker", broker.url, "--join", ...option]);
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/--join|no offer to join/);
});

test("joins a signed offer without a key, and passes over one that no trusted key signed", async () => {
  const line = await createSignedLine();
  lines.push(line);
  await line.run([...["package", "--binary", line.binary, "--update-manifest", "--sign-key", line.key("release")]]);
  const made = [
    "deploy",
    "--version",
    "1.2.3",
    "--broker",
    broker.url,
    "--sign-key",
    line.key("offer"),
    "--wait",
    "none",
  ];
  expect((await line.run(made)).exitCode).toBe(0);
  const offer = await retainedOffer();
  const joined = await joinedOffer(line, "--expect", "1");
  const device = await startScriptedDevice(broker.url, { device: "bench-1", topicRoot: TOPIC });
  expect(await joined.end).toMatchObject({ exitCode: 0 });
  await device.close();
  const { payload } = JSON.parse(offer);
  await client.publishAsync(TOPICS.offer, JSON.stringify({ payload, signatures: [] }), { qos: 1, retain: true });
  await expect(joinedOffer(line, "--expect", "1")).rejects.toThrow("the broker offers nothing there");
});
