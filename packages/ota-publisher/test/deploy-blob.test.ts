import { once } from "node:events";
import { appendFileSync, closeSync, ftruncateSync, openSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { BROKER_LIMITS, startEmbeddedBroker } from "@tinybms/ota-broker";
import { connectAsync } from "mqtt";
import { expect, test } from "vitest";
import { createDeployLine, type DeployLine, imageOf } from "./deploy-line.ts";

const TOPIC = "bench/ota";
const IMAGE = imageOf("gateway", 400_000);

/** Kind, 3 bytes of remaining length, topic with its length, packet identifier, properties; then the payload. */
const HEADER_SIZE = 1 + 3 + 2 + TOPIC.length + 2 + 1;

const blobLine = (broker: string, members: object = {}): DeployLine =>
  createDeployLine(
    { mqtt: { broker, topic: TOPIC, mode: "blob", ...members } },
    ["mqtt"],
    [{ name: "gateway", bytes: IMAGE }],
  );

test.for([
  [0, false],
  [1, false],
  [2, true],
] as const)("at QoS %i the whole file is one message on the channel's topic, retained: %s", async ([qos, retain]) => {
  const broker = await startEmbeddedBroker();
  const line = blobLine(broker.url, { qos, retain });
  const reader = await connectAsync(broker.url);
  await reader.subscribeAsync(`${TOPIC}/#`, { qos: 2 });
  const messages: { topic: string; payload: Uint8Array }[] = [];
  reader.on("message", (topic, payload) => messages.push({ topic, payload }));
  const { exitCode, stdout, stderr } = await line.deploy(["--json", "--timeout", "20"]);
  expect(exitCode).toBe(0);
  await expect.poll(() => messages.length).toBe(1);
  expect(messages[0]?.topic).toBe(TOPIC);
  expect(Buffer.compare(messages[0]!.payload, IMAGE)).toBe(0);
  const late = await connectAsync(broker.url);
  const kept: boolean[] = [];
  late.on("message", (_topic, _payload, packet) => kept.push(packet.retain));
  await late.subscribeAsync(TOPIC, { qos: 1 });
  if (retain) await expect.poll(() => kept).toEqual([true]);
  expect(kept).toEqual(retain ? [true] : []);
  await Promise.all([reader.endAsync(), late.endAsync()]);
  await broker.close();
  line.remove();
  expect(JSON.parse(stdout)).toMatchObject({
    deliveries: [
      {
        artifact: "gateway",
        transport: "mqtt",
        mode: "blob",
        target: "all",
        topic: TOPIC,
        size: IMAGE.length,
        bytesSent: IMAGE.length,
        chunksSent: 0,
        outcome: "delivered",
        devices: [],
      },
    ],
  });
  expect(stderr).toContain("no device can answer");
  expect(stderr).toContain("gateway: 100%");
});

test("--mode overrides the channel's mode", async () => {
  const line = createDeployLine({ mqtt: { broker: "mqtt://127.0.0.1:1", topic: TOPIC } }, ["mqtt"]);
  const { exitCode, stdout } = await line.deploy(["--mode", "blob", "--dry-run", "--json"]);
  line.remove();
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout).deliveries[0]).toMatchObject({ mode: "blob", outcome: "planned" });
});

test.for([
  [["--device", "bench-1"], "--device has no effect"],
  [["--expect", "2"], "--expect has no effect"],
  [["--install-after", "2026-03-01T02:00:00Z"], "--install-after has no effect"],
  [["--between", "22:00-02:00"], "--between has no effect"],
  [["--clockless", "install"], "--clockless has no effect"],
  [["--restart-spread", "7"], "--restart-spread has no effect"],
  [["--probation-max", "60"], "--probation-max has no effect"],
  [["--broker", "embedded"], "--broker embedded"],
] as const)("%j is refused: no device answers a message in blob mode", async ([args, text]) => {
  const line = blobLine("mqtt://127.0.0.1:1");
  const { exitCode, stderr } = await line.deploy(args);
  line.remove();
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`error[arguments/invalid]: ${text}`);
});

test("sends a file that is not an app image unchanged, with a warning", async () => {
  const broker = await startEmbeddedBroker();
  const bytes = new TextEncoder().encode("a file system, say");
  const channels = { mqtt: { broker: broker.url, topic: TOPIC, mode: "blob" } };
  const line = createDeployLine(channels, ["mqtt"], [{ name: "spiffs", bytes }]);
  const { exitCode, stderr } = await line.deploy(["--timeout", "20"]);
  await broker.close();
  line.remove();
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(/spiffs\.bin is not an app image .* it is sent as it is/);
});

test("refuses a file above 16 MiB before it connects, with the limit; one of 16 MiB is accepted", async () => {
  const limit = 16 * 1024 * 1024;
  expect(BROKER_LIMITS.blobSizeMax).toBe(limit);
  const channels = { mqtt: { broker: "mqtt://127.0.0.1:1", topic: TOPIC, mode: "blob" } };
  const largest = createDeployLine(channels, ["mqtt"], [{ name: "spiffs", bytes: new Uint8Array(limit) }]);
  const larger = createDeployLine(channels, ["mqtt"], [{ name: "spiffs", bytes: new Uint8Array(limit + 1) }]);
  expect(await largest.deploy(["--dry-run"])).toMatchObject({ exitCode: 0 });
  const { exitCode, stderr } = await larger.deploy([]);
  largest.remove();
  larger.remove();
  expect(exitCode).toBe(1);
  expect(stderr).toContain("error[delivery/blob-too-large]");
  expect(stderr).toContain(`needs a message of ${limit + 1} bytes; blob mode accepts at most ${limit}`);
  expect(stderr).toContain("chunked delivery has no such limit");
});

test("a broker's Maximum Packet Size is checked before a byte of the message is sent", async () => {
  // CONNACK of MQTT 5, accepted, with the property Maximum Packet Size (0x27) of 100 000 bytes.
  const connack = Uint8Array.from([0x20, 8, 0, 0, 5, 0x27, 0x00, 0x01, 0x86, 0xa0]);
  const broker = await standInBroker((socket) => socket.write(connack));
  const line = blobLine(broker.url);
  const { exitCode, stdout } = await line.deploy(["--json", "--timeout", "20"]);
  line.remove();
  await broker.close();
  expect(exitCode).toBe(1);
  const { error } = JSON.parse(stdout);
  expect(error).toMatchObject({ code: "delivery/blob-too-large", details: { limit: 100_000 } });
  expect(error.details.size).toBeGreaterThan(IMAGE.length);
  expect(broker.received()).toBeLessThan(1_000);
});

test("reports a limit if a broker closes the connection at each message", async () => {
  const broker = await standInBroker((socket) => {
    socket.write(CONNACK_5);
    let received = 0;
    socket.on("data", (bytes) => {
      received += bytes.length;
      if (received > 1_000) socket.destroy();
    });
  });
  const line = blobLine(broker.url);
  const { exitCode, stderr } = await line.deploy(["--timeout", "20"]);
  line.remove();
  await broker.close();
  expect(exitCode).toBe(1);
  expect(stderr).toContain("error[delivery/broker-refused]");
  expect(stderr).toContain("closed the connection 3 times during a message of 400000 bytes");
  expect(stderr).toContain("chunked delivery has no such limit");
});

test.for([
  [149, "a message of 400000 bytes, with a reason code that MQTT does not define for it"],
  [135, "not authorized"],
  [151, "a quota is used up"],
] as const)("explains reason code %i in the acknowledgement: %s", async ([reasonCode, text]) => {
  // PUBACK of MQTT 5 for the packet, once the whole message is there.
  const broker = await standInBroker((socket) => {
    socket.write(CONNACK_5);
    const pieces: Buffer[] = [];
    let received = 0;
    socket.on("data", (bytes) => {
      pieces.push(bytes);
      received += bytes.length;
      if (received < HEADER_SIZE + IMAGE.length) return;
      const packetId = Buffer.concat(pieces).subarray(HEADER_SIZE - 3, HEADER_SIZE - 1);
      socket.write(Uint8Array.from([0x40, 3, ...packetId, reasonCode]));
    });
  });
  const line = blobLine(broker.url);
  const { exitCode, stderr } = await line.deploy(["--timeout", "20"]);
  line.remove();
  await broker.close();
  expect(exitCode).toBe(1);
  expect(stderr).toContain("error[delivery/broker-refused]");
  expect(stderr).toContain(text);
});

test("ends at the time limit if a broker has the message but does not answer", async () => {
  const broker = await standInBroker((socket) => socket.write(CONNACK_5));
  const line = blobLine(broker.url);
  const { exitCode, stderr } = await line.deploy(["--timeout", "1"]);
  line.remove();
  await broker.close();
  expect(exitCode).toBe(1);
  expect(stderr).toContain("error[delivery/timeout]: time is up after 1 s");
});

test("sends the whole message again to a broker that restarts during it", async () => {
  const first = await standInBroker((socket) => {
    socket.write(CONNACK_5);
    socket.once("data", () => {
      socket.pause();
      lost.resolve();
    });
  });
  const lost = deferred();
  // Retained, so that the reader gets it however fast the publisher is.
  const line = blobLine(first.url, { retain: true });
  const running = line.deploy(["--timeout", "20", "--json"]);
  await lost.promise;
  await first.close();
  const second = await startEmbeddedBroker({ port: first.port });
  const reader = await connectAsync(second.url);
  const message = new Promise<Uint8Array>((resolve) => {
    reader.once("message", (_topic, payload) => resolve(payload));
  });
  await reader.subscribeAsync(TOPIC, { qos: 1 });
  const { exitCode, stdout, stderr } = await running;
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout).deliveries[0]).toMatchObject({ outcome: "delivered", bytesSent: IMAGE.length });
  expect(stderr).toContain("was lost; trying again");
  expect(stderr).toContain("is restored");
  expect(Buffer.compare(await message, IMAGE)).toBe(0);
  await reader.endAsync();
  await second.close();
  line.remove();
});

test("ends with 1, host and port, if a broker stops during the message and stays away", async () => {
  const broker = await standInBroker((socket) => {
    socket.write(CONNACK_5);
    socket.once("data", () => void broker.close());
  });
  const line = blobLine(broker.url);
  const { exitCode, stdout } = await line.deploy(["--timeout", "2", "--json"]);
  line.remove();
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout).error).toMatchObject({
    code: "delivery/connection-lost",
    details: { host: "127.0.0.1", port: broker.port },
  });
});

test("never completes the message of a file that changes after it was measured", async () => {
  const sent = deferred();
  const go = deferred();
  let received = 0;
  const broker = await standInBroker((socket) => {
    sent.resolve();
    void go.promise.then(() => socket.write(CONNACK_5));
    socket.on("data", (bytes) => {
      received += bytes.length;
    });
  });
  const line = blobLine(broker.url);
  const running = line.deploy(["--timeout", "20", "--json"]);
  await sent.promise;
  const descriptor = openSync(line.fileOf("gateway"), "r+");
  ftruncateSync(descriptor, 100_000);
  closeSync(descriptor);
  appendFileSync(line.fileOf("gateway"), new Uint8Array(300_000));
  go.resolve();
  const { exitCode, stdout } = await running;
  line.remove();
  await broker.close();
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout).error.code).toBe("delivery/image-mismatch");
  expect(received).toBeLessThan(IMAGE.length);
});

test("Ctrl-C in the middle of a message ends with 130, and the broker drops the message", async () => {
  const interrupt = new AbortController();
  const broker = await standInBroker((socket) => {
    socket.write(CONNACK_5);
    socket.once("data", () => interrupt.abort());
  });
  const line = blobLine(broker.url);
  const { exitCode, stdout } = await line.deploy(["--json"], { signal: interrupt.signal });
  line.remove();
  await broker.close();
  expect(exitCode).toBe(130);
  expect(JSON.parse(stdout)).toMatchObject({
    deliveries: [{ outcome: "failed", error: { code: "delivery/interrupted" } }],
    error: { code: "delivery/interrupted" },
  });
});

test("Ctrl-C while it waits for the acknowledgement sends DISCONNECT", async () => {
  const interrupt = new AbortController();
  const chunks: Buffer[] = [];
  const broker = await standInBroker((socket) => {
    socket.write(CONNACK_5);
    let received = 0;
    socket.on("data", (bytes) => {
      received += bytes.length;
      chunks.push(bytes);
      if (received >= IMAGE.length) setTimeout(() => interrupt.abort(), 50);
    });
  });
  const line = blobLine(broker.url);
  const { exitCode } = await line.deploy([], { signal: interrupt.signal });
  line.remove();
  await broker.close();
  expect(exitCode).toBe(130);
  const [kind] = Buffer.concat(chunks).subarray(HEADER_SIZE + IMAGE.length);
  expect(kind).toBe(0xe0); // DISCONNECT
});

/** A promise, and what fulfils it. */
function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}

/** CONNACK of MQTT 5, accepted, without properties. */
const CONNACK_5 = Uint8Array.from([0x20, 3, 0, 0, 0]);

/** Something on a free port that says what a test makes it say once it was introduced to. */
async function standInBroker(onConnect: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  let received = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", () => {
      onConnect(socket);
      socket.on("data", (bytes) => {
        received += bytes.length;
      });
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  return {
    port,
    url: `mqtt://127.0.0.1:${port}`,
    received: () => received,
    async close() {
      for (const socket of sockets) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, "close");
    },
  };
}
