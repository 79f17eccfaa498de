import { once } from "node:events";
import { createRequire } from "node:module";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { parseBrokerUrl } from "./broker-url.ts";
import { type BrokerConnection, connectBroker } from "./connection.ts";

interface Packet {
  readonly cmd: string;
  readonly protocolVersion?: number;
  readonly topic?: string;
  readonly messageId?: number;
}

const mqttPacket: {
  parser(options?: { readonly protocolVersion: number }): {
    on(event: "packet", listener: (packet: Packet) => void): void;
    parse(bytes: Uint8Array): number;
  };
  generate(packet: object, options?: { readonly protocolVersion: number }): Uint8Array;
} = createRequire(createRequire(import.meta.url).resolve("mqtt"))("mqtt-packet");

type Answer = (packet: Packet, send: (packet: object) => void, socket: Socket, version: number) => void;

/** A broker that does what it is told to, and counts connections that got to CONNECT. */
async function brokerThat(answer: Answer): Promise<{ readonly url: string; readonly versions: number[] }> {
  const versions: number[] = [];
  const server = createServer((socket) => {
    onTestFinished(() => void socket.destroy());
    const parser = mqttPacket.parser();
    let version = 4;
    parser.on("packet", (packet) => {
      if (packet.cmd === "connect") {
        version = packet.protocolVersion ?? 4;
        versions.push(version);
      }
      const send = (reply: object): void => void socket.write(mqttPacket.generate(reply, { protocolVersion: version }));
      answer(packet, send, socket, version);
    });
    socket.on("error", () => undefined).on("data", (bytes: Uint8Array) => void parser.parse(bytes));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return { url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`, versions };
}

/** Connects with waits that pass at once; `waited` sums them up. */
async function connected(url: string): Promise<{ connection: BrokerConnection; clock: { waitedMs: number } }> {
  const clock = { waitedMs: 0 };
  const wait = (ms: number): Promise<void> => {
    clock.waitedMs += ms;
    return clock.waitedMs > 60_000 ? new Promise(() => undefined) : Promise.resolve();
  };
  const connection = await connectBroker(parseBrokerUrl(url), { clientId: "test", connectTimeoutMs: 60_000, wait });
  onTestFinished(() => connection.close());
  return { connection, clock };
}

const accept = (version: number, properties: object = {}): object =>
  version === 5
    ? { cmd: "connack", reasonCode: 0, sessionPresent: false, properties }
    : { cmd: "connack", returnCode: 0, sessionPresent: false };

test("a broker that accepts and closes is asked fewer than ten times in ten seconds", async () => {
  const { url, versions } = await brokerThat((_packet, send, socket, version) => {
    send(accept(version));
    socket.end();
  });
  const { clock } = await connected(url);
  const at: number[] = [];
  while (clock.waitedMs < 15_000) {
    const seen = versions.length;
    await expect.poll(() => versions.length).toBeGreaterThan(seen);
    at.push(clock.waitedMs);
  }
  expect(at.filter((ms) => ms < 10_000).length).toBeLessThan(10);
  expect(
    versions.filter((version) => version === 5),
    "MQTT 5 is tried once for the reason",
  ).toHaveLength(1);
});

const payload = new Uint8Array(6_000);
const LIMITS = [
  ["packets", { maximumPacketSize: 4_096 }, "at most 4096 bytes", "max_packet_size"],
  ["retained messages", { retainAvailable: false }, "it retains no messages", "retain_available"],
  ["QoS", { maximumQoS: 0 }, "this quality of service", "max_qos"],
] as const;

test.for(LIMITS)(
  "a broker that states its limit for %s ends the connection with a hint at the setting",
  async (row) => {
    const [, properties, text, setting] = row;
    const { url } = await brokerThat(({ cmd }, send, socket, version) => {
      if (cmd === "connect") send(accept(version, properties));
      if (cmd === "publish") socket.destroy();
    });
    const { connection } = await connected(url);
    const failed = once(connection, "failed");
    void connection.publish("t", payload, { qos: 1, retain: true });
    await failed;
    const error = connection.lossError();
    expect(error.message).toContain(text);
    expect(error.hint).toContain(setting);
  },
);

test.for([
  [142, "another client connected with the same client identifier", "client_id"],
  [151, "a quota is used up", "quota"],
  [135, "not authorized", "access control"],
] as const)(
  "a DISCONNECT with reason code %i ends the connection permanently: %s",
  async ([reasonCode, text, setting]) => {
    const { url, versions } = await brokerThat((_packet, send, socket, version) => {
      send(accept(version));
      if (version === 5) send({ cmd: "disconnect", reasonCode });
      socket.end();
    });
    const { connection } = await connected(url);
    await once(connection, "failed");
    expect(connection.lossError().message).toContain(text);
    expect(connection.lossError().hint).toContain(setting);
    expect(versions).toEqual([4, 5]);
  },
);

test("a message that is too large for its topic is skipped, and the connection stays", async () => {
  const topic = "a/v1/device/bench-1/state";
  const { url, versions } = await brokerThat(({ cmd }, send, _socket, version) => {
    if (cmd === "connect") send(accept(version));
    if (cmd !== "subscribe") return;
    for (const size of [5_000, 5_000, 100]) {
      send({ cmd: "publish", topic, payload: Buffer.alloc(size), qos: 0, retain: true });
    }
  });
  const skipped: unknown[] = [];
  const connection = await connectBroker(parseBrokerUrl(url), {
    clientId: "test",
    connectTimeoutMs: 60_000,
    onSkipped: (message) => skipped.push(message),
  });
  onTestFinished(() => connection.close());
  const heard = once(connection, "message");
  void connection.subscribe(topic);
  const [message] = await heard;
  expect(message).toMatchObject({ topic, retained: true });
  expect(message.payload).toHaveLength(100);
  expect(skipped).toEqual([{ topic, sizeBytes: 5_000, sizeMax: 1_024 }]);
  expect(versions).toHaveLength(1);
});

test.for([
  [2, true],
  [9, false],
] as const)("a subscription that is refused %i times is granted: %s", async ([refusals, isGranted]) => {
  let subscribed = 0;
  const { url } = await brokerThat(({ cmd, messageId }, send, _socket, version) => {
    if (cmd === "connect") send(accept(version));
    if (cmd === "subscribe") send({ cmd: "suback", messageId, granted: [++subscribed > refusals ? 1 : 128] });
  });
  const { connection } = await connected(url);
  expect(await connection.subscribe("a/b")).toBe(isGranted);
  expect(subscribed).toBe(isGranted ? refusals + 1 : 5);
});
