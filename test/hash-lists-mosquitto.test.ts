// Hash lists that no offer names are cleared after a delivery; those that an offer names, or that a publisher serves, stay.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectDevice, createDevice, type DeviceConnection, untilState } from "@tinybms/firmware-sim/testkit";
import { imageIdOf, sha256, topicsOf } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { connectAsync, type MqttClient } from "mqtt";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDeployLine, type DeployLine } from "../packages/ota-publisher/test/deploy-line.ts";
import {
  hasMosquitto,
  killMosquittos,
  type Mosquitto,
  startMosquitto,
  writePasswords,
} from "../packages/ota-publisher/test/mosquitto-broker.ts";

const isAbsent = !hasMosquitto();
const WHY = isAbsent ? " (skipped: `apt-get install mosquitto`)" : "";
const ROOT = "bench/ota";
const TOPICS = topicsOf(ROOT);

let folder: string;
let broker: Mosquitto;
/** Another client of the broker. */
let other: MqttClient;
const lines: DeployLine[] = [];
const devices: DeviceConnection[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-hash-lists-"));
  if (isAbsent) return;
  broker = await startMosquitto(folder);
  other = await connectAsync(urlOf(broker));
});

afterEach(async () => {
  await Promise.all(devices.splice(0).map((device) => device.stop()));
  await other?.endAsync(true);
  await killMosquittos();
  for (const line of lines.splice(0)) line.remove();
  rmSync(folder, { recursive: true, force: true });
});

function urlOf({ port }: Mosquitto): string {
  return `mqtt://127.0.0.1:${port}`;
}

function imageOf(seed: number, sizeBytes = 20_000): Uint8Array {
  return buildAppImage({ version: "1.2.3", projectName: "gateway", sizeBytes, seed });
}

/** A release line of one image, at a publisher of its own. */
function lineOf(image: Uint8Array, members: object = {}): DeployLine {
  const mqtt = { broker: urlOf(broker), topic: ROOT, rate: 0, ...members };
  const line = createDeployLine({ mqtt }, ["mqtt"], [{ name: "gateway", bytes: image }]);
  lines.push(line);
  return line;
}

/** Offers an image and waits for no device. Returns what the command printed to standard error. */
async function offer(image: Uint8Array, ...args: readonly string[]): Promise<string> {
  const { exitCode, stderr } = await lineOf(image).deploy(["--wait", "none", "--verbose", ...args]);
  expect(exitCode).toBe(0);
  return stderr;
}

/** Ids of the images whose hash lists the broker retains, in order. */
async function listed(): Promise<readonly string[]> {
  const found = new Set<string>();
  const reader = await connectAsync(urlOf(broker));
  const isRead = new Promise<void>((resolve) => {
    reader.on("message", (topic, _payload, { retain }) => {
      if (topic === "bench/marker") resolve();
      else if (retain) found.add(topic.split("/").at(-2) ?? "");
    });
  });
  await reader.subscribeAsync("bench/marker", { qos: 1 });
  await reader.subscribeAsync(TOPICS.hashesFilter, { qos: 1 });
  // Mosquitto sends it after what it retains.
  await reader.publishAsync("bench/marker", "", { qos: 1 });
  await isRead;
  await reader.endAsync();
  return [...found].toSorted();
}

const idsOf = (...images: readonly Uint8Array[]): readonly string[] =>
  images.map((image) => imageIdOf(sha256(image))).toSorted();

test.skipIf(isAbsent)(
  `keeps the list of the image that is offered, however many were delivered before${WHY}`,
  async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const stderr = await offer(imageOf(seed));
      expect(await listed()).toEqual(idsOf(imageOf(seed)));
      if (seed > 1) expect(stderr).toContain("hash lists that no offer names: 1 cleared");
    }
  },
);

test.skipIf(isAbsent)(
  `clears also what earlier publishers left, after a delivery in which a device failed${WHY}`,
  async () => {
    for (const seed of [11, 12, 13])
      await other.publishAsync(TOPICS.hashes(idsOf(imageOf(seed))[0] ?? ""), Buffer.alloc(80), {
        qos: 1,
        retain: true,
      });
    const device = createDevice({
      ...{ id: "gw-1", app: imageOf(9), topicRoot: ROOT, product: "gateway" },
      selfTests: [{ version: "1.2.3", outcome: "fail" }],
    });
    const update = buildAppImage({ version: "1.2.3", projectName: "gateway", sizeBytes: 30_000, seed: 10 });
    devices.push(connectDevice(device, urlOf(broker)));
    const { exitCode } = await lineOf(update).deploy(["--device", "gw-1", "--timeout", "60"]);
    expect(exitCode).toBe(1);
    expect(await listed()).toEqual(idsOf(update));
  },
);

test.skipIf(isAbsent)(`keeps the lists that offers to single devices name${WHY}`, async () => {
  const [own, all, next] = [imageOf(1), imageOf(2), imageOf(3)];
  await offer(own, "--device", "gw-1", "--device", "gw-2");
  await offer(all);
  await offer(next);
  expect(await listed()).toEqual(idsOf(own, next));
  await offer(next, "--device", "gw-1");
  expect(await listed()).toEqual(idsOf(own, next));
  await offer(next, "--device", "gw-2");
  expect(await listed()).toEqual(idsOf(next));
});

test.skipIf(isAbsent)(`keeps both lists of two publishers that deliver two images at once${WHY}`, async () => {
  for (let round = 1; round <= 4; round++) {
    const [one, two] = [imageOf(2 * round), imageOf(2 * round + 1)];
    await Promise.all([offer(one, "--device", "gw-1"), offer(two, "--device", "gw-2")]);
    const found = await listed();
    expect(found).toEqual(expect.arrayContaining([...idsOf(one, two)]));
    // The lists of one round before, if both publishers saw them named still.
    expect(found.length).toBeLessThanOrEqual(4);
  }
});

test.skipIf(isAbsent)(`clears the list of an image that is withdrawn, and nothing after --join${WHY}`, async () => {
  const image = imageOf(1);
  await offer(image);
  await other.publishAsync(TOPICS.hashes(idsOf(imageOf(2))[0] ?? ""), Buffer.alloc(80), { qos: 1, retain: true });
  const device = createDevice({ id: "gw-1", app: image, topicRoot: ROOT, product: "gateway" });
  devices.push(connectDevice(device, urlOf(broker)));
  const joined = await lineOf(image).deploy(["--join", "--device", "gw-1", "--timeout", "60"]);
  expect(joined.exitCode).toBe(0);
  expect(await listed()).toEqual(idsOf(image, imageOf(2)));
  const { exitCode } = await lineOf(image).run(["withdraw", "--version", "1.2.3"]);
  expect(exitCode).toBe(0);
  expect(await listed()).toEqual([]);
});

test.skipIf(isAbsent)(`clears lists once a rollout is over, and not between its stages${WHY}`, async () => {
  const update = imageOf(3, 30_000);
  await other.publishAsync(TOPICS.hashes(idsOf(imageOf(2))[0] ?? ""), Buffer.alloc(80), { qos: 1, retain: true });
  const app = buildAppImage({ version: "1.0.0", projectName: "gateway", sizeBytes: 20_000 });
  for (const id of ["gw-1", "gw-2", "gw-3", "gw-4"]) {
    const device = createDevice({ id, app, topicRoot: ROOT, product: "gateway" });
    devices.push(connectDevice(device, urlOf(broker)));
  }
  await Promise.all(devices.map((device) => untilState(device, "idle")));
  const line = lineOf(update);
  const first = await line.deploy(["--rollout", "50%,100%", "--hold", "until-continued", "--timeout", "60"]);
  expect(first.exitCode).toBe(0);
  expect(await listed()).toEqual(idsOf(update, imageOf(2)));
  const rest = await line.run(["rollout", "continue", join(line.folder, "rollouts", "1.2.3.jsonl")]);
  expect(rest.exitCode).toBe(0);
  expect(await listed()).toEqual(idsOf(update));
});

test.skipIf(isAbsent)(`clears nothing next to an offer that it can't read${WHY}`, async () => {
  await other.publishAsync(TOPICS.deviceOffer("gw-9"), '{"a":"later version"}', { qos: 1, retain: true });
  await offer(imageOf(1));
  const stderr = await offer(imageOf(2));
  expect(stderr).toContain("hash lists that no offer names stay: an offer on the broker can't be read");
  expect(await listed()).toEqual(idsOf(imageOf(1), imageOf(2)));
});

test.skipIf(isAbsent)(`clears nothing where access control hides the lists${WHY}`, async () => {
  const [old, next] = [imageOf(1), imageOf(2)];
  await broker.kill();
  const acl = join(folder, "acl");
  const own = idsOf(next)[0] ?? "";
  const allowed = [TOPICS.offer, TOPICS.hashes(own), TOPICS.stateFilter, TOPICS.requestFilter, TOPICS.imageChunk(own)];
  writeFileSync(
    acl,
    ["topic readwrite #", "user ops", ...allowed.map((topic) => `topic readwrite ${topic}`), ""].join("\n"),
  );
  const passwords = writePasswords(folder, "ops", "secret");
  broker = await startMosquitto(folder, ["allow_anonymous true", `password_file ${passwords}`, `acl_file ${acl}`]);
  await offer(old);
  const line = lineOf(next, { username: "ops", password: "secret" });
  const { exitCode, stderr } = await line.deploy(["--wait", "none"]);
  expect(exitCode).toBe(0);
  expect(stderr).not.toMatch(/hash list|error/);
  expect(await listed()).toEqual(idsOf(old, next));
});

test.skipIf(isAbsent)(
  `a device whose hash list is cleared in the middle gets it back from the publisher${WHY}`,
  async () => {
    const update = buildAppImage({ version: "1.2.3", projectName: "gateway", sizeBytes: 200_000, seed: 5 });
    const app = buildAppImage({ version: "1.0.0", projectName: "gateway", sizeBytes: 20_000 });
    const device = createDevice({ id: "gw-1", app, topicRoot: ROOT, product: "gateway" });
    const connection = connectDevice(device, urlOf(broker));
    devices.push(connection);
    const delivered = lineOf(update, { rate: 65_536 }).deploy(["--device", "gw-1", "--timeout", "60"]);
    await untilState(connection, "downloading");
    connection.cutPower();
    await other.publishAsync(TOPICS.hashes(idsOf(update)[0] ?? ""), "", { qos: 1, retain: true });
    connection.powerOn();
    expect((await delivered).exitCode).toBe(0);
    expect(device.summary()).toMatchObject({ state: "confirmed", version: "1.2.3" });
    expect(await listed()).toEqual(idsOf(update));
  },
);
