import { type EmbeddedBroker, startEmbeddedBroker } from "@tinybms/ota-broker";
import {
  buildStateReport,
  imageIdOf,
  type OfferDocument,
  parseOffer,
  sha256,
  toHex,
  topicsOf,
} from "@tinybms/ota-core";
import { parseEnvelope } from "@tinybms/ota-core/signing";
import { connectAsync, type MqttClient } from "mqtt";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDeployLine, type DeployLine, imageOf } from "./deploy-line.ts";
import type { CliRun } from "./release-line.ts";
import { startScriptedDevice } from "./scripted-device.ts";

const TOPIC = "bench/ota";
const TOPICS = topicsOf(TOPIC);
const IMAGE = imageOf("gateway");

let broker: EmbeddedBroker;
let lines: DeployLine[];
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

/** A release line of its own: another machine, which has no record of the offers of the first. */
function otherLine(): DeployLine {
  const line = createDeployLine({ mqtt: { topic: TOPIC, rate: 0 } }, ["mqtt"], [{ name: "gateway", bytes: IMAGE }]);
  lines.push(line);
  return line;
}

const deploy = (line: DeployLine, ...args: readonly string[]): Promise<CliRun> =>
  line.deploy(["--broker", broker.url, "--json", ...args]);

const parse = (payload: Uint8Array): OfferDocument => parseOffer(parseEnvelope(payload).payload);

/** The next message on the offer topic, as it comes. */
async function nextOffer(topic = TOPICS.offer): Promise<Uint8Array> {
  const message = new Promise<Uint8Array>((resolve) => client.once("message", (_topic, payload) => resolve(payload)));
  await client.subscribeAsync(topic, { qos: 1 });
  return await message;
}

test("a deploy that another one replaces ends at once and names that offer", async () => {
  const line = otherLine();
  const first = deploy(line);
  await nextOffer();
  expect((await deploy(line, "--wait", "none")).exitCode).toBe(0);
  const { exitCode, stdout, stderr } = await first;
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout).error).toMatchObject({
    code: "delivery/superseded",
    details: { epoch: 1, sequence: 2, version: "1.2.3" },
  });
  expect(stderr).toMatch(/the offer was replaced by offer [0-9a-f]{32} \(epoch 1, sequence 2\) of version 1\.2\.3/);
});

test("a deploy to named devices is replaced by one to every device", async () => {
  const line = otherLine();
  const first = deploy(line, "--device", "bench-1");
  await nextOffer(TOPICS.deviceOffer("bench-1"));
  expect((await deploy(line, "--wait", "none")).exitCode).toBe(0);
  expect(JSON.parse((await first).stdout).error.code).toBe("delivery/superseded");
});

test("a deploy that is withdrawn ends at once as withdrawn", async () => {
  const line = otherLine();
  const first = deploy(line);
  await nextOffer();
  expect((await line.run(["withdraw", "--version", "1.2.3", "--broker", broker.url])).exitCode).toBe(0);
  const { exitCode, stdout } = await first;
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout).error).toMatchObject({ code: "delivery/withdrawn", details: { epoch: 1, sequence: 2 } });
});

test("another publisher of the same offer replaces nothing", async () => {
  const running = deploy(otherLine(), "--expect", "1", "--timeout", "60");
  const offer = await nextOffer();
  await client.publishAsync(TOPICS.offer, Buffer.from(offer), { qos: 1, retain: true });
  const device = await startScriptedDevice(broker.url, { device: "bench-1", topicRoot: TOPIC });
  const { exitCode } = await running;
  await device.close();
  expect(exitCode).toBe(0);
});

test.for([
  ["one release line", () => otherLine()],
  ["two machines", undefined],
] as const)(
  "of two deploys at the same time from %s, one delivers and the other reports that it was replaced",
  async ([, one]) => {
    for (let round = 0; round < 3; round++) {
      const first = one?.() ?? otherLine();
      const second = one === undefined ? otherLine() : first;
      const args = ["--expect", "1", "--timeout", "60"];
      const both = [deploy(first, ...args), deploy(second, ...args)];
      // No device is there until one of them has given way.
      await Promise.race(both);
      const device = await startScriptedDevice(broker.url, { device: "bench-1", topicRoot: TOPIC });
      const ended = await Promise.all(both);
      await device.close();
      const codes = ended.map(({ stdout }) => JSON.parse(stdout).error?.code ?? "delivered").sort();
      expect(codes).toEqual(["delivered", "delivery/superseded"]);
      const last = parse(await nextOffer());
      await client.unsubscribeAsync(TOPICS.offer);
      expect(device.offers.map(({ offer: { id } }) => id)).toEqual([last.id]);
    }
  },
);

test("live offers that are not retained raise no number and end no deploy", async () => {
  const line = otherLine();
  expect((await deploy(line, "--wait", "none")).exitCode).toBe(0);
  const document = parse(await nextOffer());
  const forged = { ...document, id: "f".repeat(32), sequence: 900, release: null };
  const payload = Buffer.from(JSON.stringify(forged)).toString("base64");
  const envelope = JSON.stringify({ payload, signatures: [] });
  const noise = setInterval(() => client.publish(TOPICS.offer, envelope, { qos: 1 }), 5);
  const running = deploy(line, "--expect", "1", "--timeout", "60");
  const device = await startScriptedDevice(broker.url, { device: "bench-1", topicRoot: TOPIC });
  const { exitCode } = await running;
  clearInterval(noise);
  await device.close();
  expect(exitCode).toBe(0);
  expect(device.offers.at(-1)?.offer.sequence).toBe(2);
});

test("--wait none reports offered, and says that chunks need a publisher", async () => {
  const line = otherLine();
  const json = await deploy(line, "--wait", "none");
  expect(JSON.parse(json.stdout).deliveries).toMatchObject([{ outcome: "offered", devices: [] }]);
  const text = await line.deploy(["--broker", broker.url, "--wait", "none"]);
  expect(text.exitCode).toBe(0);
  expect(text.stdout).toMatch(/^gateway: offered; .*chunks only while a publisher runs/m);
  expect(text.stdout + text.stderr).not.toContain("delivered");
  expect(text.stderr).not.toContain("waiting for devices");
});

test("a device whose report contradicts itself fails the delivery and is named", async () => {
  const running = deploy(otherLine(), "--expect", "1", "--timeout", "60");
  const offer = parse(await nextOffer());
  const digest = toHex(sha256(IMAGE));
  const report = buildStateReport({
    ...{ protocol: 1, device: "bench-1", state: "confirmed", offer: offer.id, image: imageIdOf(digest) },
    ...{ version: "1.2.3", slot: "ota_1", running_sha256: "0".repeat(64), received: 10, total: 10 },
    ...{ accepted: [1, 1], rollback: true, clock: false, online: true, boot_count: 2 },
  });
  await client.publishAsync(TOPICS.state("bench-1"), Buffer.from(report), { qos: 1, retain: true });
  const { exitCode, stdout } = await running;
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    deliveries: [
      { outcome: "failed", devices: [{ device: "bench-1", error: { code: "delivery/contradictory-report" } }] },
    ],
    error: { code: "delivery/contradictory-report", details: { devices: ["bench-1"] } },
  });
});
