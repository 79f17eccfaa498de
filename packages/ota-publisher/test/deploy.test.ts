import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { startEmbeddedBroker } from "@tinybms/ota-broker";
import { topicsOf } from "@tinybms/ota-core";
import { connectAsync, type MqttClient } from "mqtt";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createReleaseLine, IMAGE, type ReleaseLine, TOPIC } from "./release-line.ts";
import { startScriptedDevice } from "./scripted-device.ts";

let line: ReleaseLine;

beforeEach(async () => {
  line = createReleaseLine();
  const { exitCode } = await line.run(["package", "--binary", line.binary, "--update-manifest"]);
  expect(exitCode).toBe(0);
});

afterEach(() => line.remove());

const deploy = (...args: string[]) => line.run(["deploy", "--version", "1.2.3", ...args]);

test("delivers the image to a device that requests it, and documents what was sent", async () => {
  const broker = await startEmbeddedBroker();
  const device = await startScriptedDevice(broker.url, { device: "bench-1", topicRoot: TOPIC });
  const { exitCode, stdout, stderr } = await deploy(
    "--broker",
    broker.url,
    "--expect",
    "1",
    "--timeout",
    "20",
    "--json",
  );
  await device.close();
  await broker.close();
  expect(exitCode).toBe(0);
  expect(device.image).toEqual(IMAGE);
  expect(JSON.parse(stdout)).toMatchObject({
    version: "1.2.3",
    dryRun: false,
    deliveries: [
      {
        artifact: "gateway",
        target: "all",
        size: IMAGE.length,
        chunksSent: 10,
        bytesSent: IMAGE.length + 10 * 20,
        outcome: "delivered",
        devices: [{ device: "bench-1", state: "confirmed", version: "1.2.3", slot: "ota_1" }],
      },
    ],
  });
  expect(stderr).toMatch(/^bench-1: downloading, \(0\.9\.0\) in ota_0$/m);
  expect(stderr).toMatch(/^bench-1: confirmed, 1\.2\.3 in ota_1$/m);
  const [{ offer, release }] = device.offers as [(typeof device.offers)[number]];
  expect(offer).toMatchObject({ topic_root: TOPIC, epoch: 1, sequence: 1, target: "all", spread_ms: 0 });
  expect(release).toMatchObject({
    product: "gateway",
    hardware: "esp32",
    version: "1.2.3",
    image: { size: IMAGE.length, chunk_size: 4096, secure_version: 0, chip_id: 0 },
  });
});

test("--device delivers only to the named devices, on their own topics", async () => {
  const broker = await startEmbeddedBroker();
  const named = await startScriptedDevice(broker.url, { device: "bench-1", topicRoot: TOPIC });
  const other = await startScriptedDevice(broker.url, { device: "bench-2", topicRoot: TOPIC });
  const { exitCode, stdout } = await deploy("--broker", broker.url, "--device", "bench-1", "--timeout", "20");
  await named.close();
  await other.close();
  await broker.close();
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^device +state +release +slot +time +error$/m);
  expect(stdout).toMatch(/^bench-1 +confirmed +1\.2\.3 +ota_1 +\d+\.\d s$/m);
  expect(named.offers[0]?.offer.target).toEqual({ devices: ["bench-1"] });
  expect(other.offers).toEqual([]);
});

test("a device that rolls back fails the delivery and is named with its error", async () => {
  const broker = await startEmbeddedBroker();
  const error = { code: "delivery/self-test-failed", message: "no\u001b[31m sensor\nanswers" } as const;
  const device = await startScriptedDevice(broker.url, {
    device: "bench-1",
    topicRoot: TOPIC,
    refusal: { state: "rolled-back", error },
  });
  const failed = await deploy("--broker", broker.url, "--expect", "1", "--timeout", "20", "--json");
  const told = await deploy("--broker", broker.url, "--expect", "1", "--timeout", "20");
  await device.close();
  await broker.close();
  expect(failed.exitCode).toBe(1);
  expect(JSON.parse(failed.stdout)).toMatchObject({
    deliveries: [{ outcome: "failed", devices: [{ device: "bench-1", state: "rolled-back", error }] }],
    error: { code: "delivery/device-failed", details: { devices: ["bench-1"] } },
  });
  expect(told.exitCode).toBe(1);
  expect(told.stderr).toContain("error[delivery/device-failed]: 1 of 1 devices");
  expect(told.stdout).toContain("delivery/self-test-failed: no sensor answers");
});

test("exits with 1 and names a device that does not report in time", async () => {
  const { exitCode, stdout, stderr } = await deploy(
    ...["--broker", "embedded://127.0.0.1:0", "--device", "bench-1", "--device", "bench-2", "--timeout", "1", "--json"],
  );
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^devices can connect to mqtt:\/\/127\.0\.0\.1:\d+$/m);
  expect(JSON.parse(stdout)).toMatchObject({
    deliveries: [
      {
        outcome: "failed",
        devices: [
          { device: "bench-1", state: null },
          { device: "bench-2", state: null },
        ],
      },
    ],
    error: { code: "delivery/no-device", details: { expected: ["bench-1", "bench-2"] } },
  });
});

test("exits with 1 and the number if fewer devices report than expected", async () => {
  const broker = await startEmbeddedBroker();
  const device = await startScriptedDevice(broker.url, { device: "bench-1", topicRoot: TOPIC });
  const { exitCode, stderr } = await deploy("--broker", broker.url, "--expect", "2", "--timeout", "2");
  await device.close();
  await broker.close();
  expect(exitCode).toBe(1);
  expect(stderr).toContain("error[delivery/timeout]: time is up after 2 s: 1 of 2 devices appeared");
});

test("--wait none ends as soon as the broker has the offer and the hash list", async () => {
  const broker = await startEmbeddedBroker();
  const { exitCode } = await deploy("--broker", broker.url, "--wait", "none");
  const client = await connectAsync(broker.url);
  const retained = new Set<string>();
  client.on("message", (topic) => retained.add(topic));
  await client.subscribeAsync(`${TOPIC}/#`);
  await expect.poll(() => retained.size).toBe(2);
  await client.endAsync();
  await broker.close();
  expect(exitCode).toBe(0);
  expect([...retained]).toContain(topicsOf(TOPIC).offer);
});

test("every offer has a sequence above the recorded one and the broker's, and the record is kept", async () => {
  const broker = await startEmbeddedBroker();
  const file = join(line.folder, "ota", ".tinybms-ota", "sequence.json");
  const recorded = () => JSON.parse(readFileSync(file, "utf8")).topics[TOPIC];
  const offer = () => deploy("--broker", broker.url, "--wait", "none");
  await offer();
  expect(recorded()).toEqual([1, 1]);
  await offer();
  expect(recorded()).toEqual([1, 2]);

  const other = createReleaseLine();
  await other.run(["package", "--binary", other.binary, "--update-manifest"]);
  await other.run(["deploy", "--version", "1.2.3", "--broker", broker.url, "--wait", "none"]);
  const elsewhere = readFileSync(join(other.folder, "ota", ".tinybms-ota", "sequence.json"), "utf8");
  other.remove();
  expect(JSON.parse(elsewhere).topics[TOPIC]).toEqual([1, 3]);

  await offer();
  expect(recorded()).toEqual([1, 4]);
  await broker.close();
});

test("ignores invalid messages on every topic", async () => {
  const broker = await startEmbeddedBroker();
  const noise = await connectAsync(broker.url);
  const topics = topicsOf(TOPIC);
  const garbage = Buffer.from([0x7b, 0xff, 0x00, 0x22]);
  for (const topic of [
    topics.offer,
    topics.state("ghost"),
    topics.request("ghost"),
    `${TOPIC}/v1/device/a/b/c/state`,
  ]) {
    await noise.publishAsync(topic, garbage, { qos: 1, retain: true });
  }
  const device = await startScriptedDevice(broker.url, { device: "bench-1", topicRoot: TOPIC });
  const running = deploy("--broker", broker.url, "--expect", "1", "--timeout", "20");
  await noise.publishAsync(topics.request("bench-1"), garbage, { qos: 1 });
  await noise.publishAsync(topics.state("bench-1"), garbage, { qos: 1 });
  const { exitCode } = await running;
  await device.close();
  await noise.endAsync();
  await broker.close();
  expect(exitCode).toBe(0);
});

test("exits with 1 at the time limit if the broker is unreachable, with host and port only", async () => {
  const { exitCode, stdout, stderr } = await deploy(
    ...["--broker", "mqtt://ops:s3cr3t@127.0.0.1:1", "--timeout", "1", "--json"],
  );
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    deliveries: [{ outcome: "failed", devices: [] }],
    error: { code: "delivery/broker-unreachable", details: { host: "127.0.0.1", port: 1 } },
  });
  expect(stdout + stderr).not.toContain("s3cr3t");
});

test("a host that accepts the connection but never answers counts as an unreachable broker", async () => {
  const { server, port } = await listenTcp(() => {});
  const { exitCode, stderr } = await deploy("--broker", `mqtt://127.0.0.1:${port}`, "--timeout", "1");
  server.close();
  expect(exitCode).toBe(1);
  expect(stderr).toContain(`error[delivery/broker-unreachable]: the broker mqtt://127.0.0.1:${port}`);
});

test("disconnects from a broker that sends something other than MQTT, and tries again", async () => {
  // CONNACK of MQTT 3.1.1, accepted; then a packet of a kind that there is not.
  const nonsense = Uint8Array.from([0x20, 2, 0, 0, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff]);
  let connections = 0;
  const { server, port } = await listenTcp((socket) => {
    connections++;
    socket.once("data", () => socket.write(nonsense));
  });
  const { exitCode } = await deploy("--broker", `mqtt://127.0.0.1:${port}`, "--timeout", "1");
  server.close();
  expect(exitCode).toBe(1);
  expect(connections).toBeGreaterThan(1);
});

test("exits with 1 at the time limit if a broker accepts the connection and then stays silent", async () => {
  const { server, port } = await listenTcp((socket) => {
    // CONNACK of MQTT 3.1.1, accepted.
    socket.once("data", () => socket.write(Uint8Array.from([0x20, 2, 0, 0])));
  });
  const url = `mqtt://127.0.0.1:${port}`;
  const { exitCode, stderr } = await deploy("--broker", url, "--timeout", "1");
  const interrupt = new AbortController();
  const running = line.run(["deploy", "--version", "1.2.3", "--broker", url], { signal: interrupt.signal });
  await once(server, "connection");
  interrupt.abort();
  const interrupted = await running;
  server.close();
  expect(exitCode).toBe(1);
  expect(stderr).toContain(`error[delivery/broker-unreachable]: the broker ${url} accepts the connection but does not`);
  expect(interrupted.exitCode).toBe(130);
});

test("a refusal by the broker ends the delivery at once with the reason", async () => {
  // CONNACK of MQTT 3.1.1 with return code 5: not authorized.
  const refusal = Uint8Array.from([0x20, 2, 0, 5]);
  const { server, port } = await listenTcp((socket) => socket.once("data", () => socket.end(refusal)));
  const { exitCode, stdout } = await deploy("--broker", `mqtt://127.0.0.1:${port}`, "--timeout", "30", "--json");
  server.close();
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout).error).toMatchObject({
    code: "delivery/broker-refused",
    details: { host: "127.0.0.1", port, reason: "not authorized" },
  });
});

test("a broker that returns in time does not affect the delivery", async () => {
  const first = await startEmbeddedBroker();
  const running = deploy("--broker", first.url, "--expect", "1", "--timeout", "20", "--json");
  const watcher = await connectAsync(first.url);
  watcher.on("error", () => {});
  await watcher.subscribeAsync(topicsOf(TOPIC).offer);
  await nextMessage(watcher);
  await watcher.endAsync(true);
  await first.close();
  const second = await startEmbeddedBroker({ port: first.port });
  const device = await startScriptedDevice(second.url, { device: "bench-1", topicRoot: TOPIC });
  const { exitCode, stdout, stderr } = await running;
  await device.close();
  await second.close();
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout).deliveries[0].outcome).toBe("delivered");
  expect(stderr).toContain("was lost; trying again");
  expect(stderr).toContain("is restored");
});

test("exits with 1 at the time limit if a broker stops and stays away", async () => {
  const broker = await startEmbeddedBroker();
  const watcher = await connectAsync(broker.url);
  await watcher.subscribeAsync(topicsOf(TOPIC).offer);
  const running = deploy("--broker", broker.url, "--timeout", "2", "--json");
  await nextMessage(watcher);
  await watcher.endAsync(true);
  await broker.close();
  const { exitCode, stdout } = await running;
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout).error).toMatchObject({
    code: "delivery/connection-lost",
    details: { host: "127.0.0.1", port: broker.port },
  });
});

test("ends the delivery with a message if the file changes in place during it", async () => {
  const broker = await startEmbeddedBroker();
  const watcher = await connectAsync(broker.url);
  await watcher.subscribeAsync(topicsOf(TOPIC).offer);
  const running = deploy("--broker", broker.url, "--expect", "1", "--timeout", "60");
  await nextMessage(watcher);
  await watcher.endAsync(true);
  const file = join(line.folder, "ota", "versions", "1.2.3", "gateway-1.2.3.bin");
  writeFileSync(
    file,
    IMAGE.map((byte) => byte ^ 1),
  );
  const device = await startScriptedDevice(broker.url, { device: "bench-1", topicRoot: TOPIC });
  const { exitCode, stderr } = await running;
  await device.close();
  await broker.close();
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/error\[delivery\/image-mismatch\]: .* changed during its delivery: the SHA-256 of chunk/);
});

test("reports a port that is in use before anything is sent", async () => {
  const broker = await startEmbeddedBroker();
  const { exitCode, stderr } = await deploy("--broker", `embedded://127.0.0.1:${broker.port}`, "--timeout", "1");
  await broker.close();
  expect(exitCode).toBe(1);
  expect(stderr).toContain("the port is in use");
});

test("Ctrl-C disconnects cleanly and exits with 130", async () => {
  const broker = await startEmbeddedBroker();
  const interrupt = new AbortController();
  const watcher = await connectAsync(broker.url);
  await watcher.subscribeAsync(topicsOf(TOPIC).offer);
  const args = ["deploy", "--version", "1.2.3", "--broker", broker.url, "--json"];
  const running = line.run(args, { signal: interrupt.signal });
  await nextMessage(watcher);
  interrupt.abort();
  const { exitCode, stdout } = await running;
  await watcher.endAsync(true);
  await broker.close();
  expect(exitCode).toBe(130);
  expect(JSON.parse(stdout)).toMatchObject({
    deliveries: [{ outcome: "failed" }],
    error: { code: "delivery/interrupted" },
  });
});

test("Ctrl-C while it waits for the broker exits with 130 at once", async () => {
  const { server, port } = await listenTcp(() => {});
  const interrupt = new AbortController();
  const args = ["deploy", "--version", "1.2.3", "--broker", `mqtt://127.0.0.1:${port}`];
  const running = line.run(args, { signal: interrupt.signal });
  await once(server, "connection");
  interrupt.abort();
  const { exitCode, stderr } = await running;
  server.close();
  expect(exitCode).toBe(130);
  expect(stderr).toContain("error[delivery/interrupted]");
});

/** Something that listens on a free port, and is no broker. */
async function listenTcp(
  onSocket: (socket: Socket) => void,
): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    onSocket(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return { server, port: address !== null && typeof address === "object" ? address.port : 0 };
}

function nextMessage(client: MqttClient): Promise<void> {
  return new Promise((resolve) => {
    client.once("message", () => resolve());
  });
}
