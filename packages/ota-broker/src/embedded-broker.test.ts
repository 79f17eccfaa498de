import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { OtaError } from "@tinybms/ota-core";
import { expect, test } from "vitest";
import { type PublishedMessage, startEmbeddedBroker } from "./embedded-broker.ts";

/** MQTT 3.1.1 CONNECT, clean session, keep-alive 60 s, client identifier "a". */
const CONNECT = Uint8Array.from([0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 1, 0x61]);

test("accepts a client, and ends its connection at once when it closes", async () => {
  const broker = await startEmbeddedBroker();
  const socket = connectTcp(broker.port, broker.host);
  socket.write(CONNECT);
  const [connack] = await once(socket, "data");
  expect([...connack]).toEqual([0x20, 2, 0, 0]); // CONNACK, no session, accepted
  socket.on("error", () => {});
  const closed = once(socket, "close");
  await broker.close();
  await closed;
});

test("returns the URL with the chosen port", async () => {
  const broker = await startEmbeddedBroker({ port: 0 });
  expect(broker.port).toBeGreaterThan(0);
  expect(broker.url).toBe(`mqtt://127.0.0.1:${broker.port}`);
  await broker.close();
});

test("closes once if it is closed twice", async () => {
  const broker = await startEmbeddedBroker();
  await Promise.all([broker.close(), broker.close()]);
});

test("names a port that is in use, with a hint", async () => {
  const first = await startEmbeddedBroker();
  const error: unknown = await startEmbeddedBroker({ port: first.port }).catch((reason: unknown) => reason);
  await first.close();
  if (!(error instanceof OtaError)) throw new Error(`no OtaError: ${String(error)}`);
  expect(error.code).toBe("delivery/broker-unreachable");
  expect(error.details).toEqual({ host: "127.0.0.1", port: first.port });
  expect(error.message).toContain("the port is in use");
  expect(error.hint).toContain("--broker");
});

test("ends a connection with bytes that are not MQTT, and keeps running", async () => {
  const broker = await startEmbeddedBroker();
  const noise = connectTcp(broker.port, broker.host);
  noise.on("error", () => {});
  noise.write(new Uint8Array(64).fill(0xff));
  await once(noise, "close");
  const client = connectTcp(broker.port, broker.host);
  client.write(CONNECT);
  const [connack] = await once(client, "data");
  expect(connack[3]).toBe(0); // accepted
  client.destroy();
  await broker.close();
});

test("reports what clients publish, and their wills", async () => {
  const published: PublishedMessage[] = [];
  let heard: () => void = () => undefined;
  const broker = await startEmbeddedBroker({
    onPublished: (message) => {
      published.push(message);
      heard();
    },
  });
  const next = (): Promise<void> =>
    new Promise((resolve) => {
      heard = resolve;
    });
  const socket = connectTcp(broker.port, broker.host);
  // As CONNECT, with the will "w" on topic "w".
  socket.write(
    Uint8Array.from([0x10, 19, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 6, 0, 60, 0, 1, 0x61, 0, 1, 0x77, 0, 1, 0x77]),
  );
  await once(socket, "data"); // CONNACK
  const message = next();
  socket.write(Uint8Array.from([0x30, 15, 0, 10, ...Buffer.from("t/v1/offer"), 1, 2, 3]));
  await message;
  const will = next();
  socket.destroy();
  await will;
  await broker.close();
  expect(published).toEqual([
    { clientId: "a", topic: "t/v1/offer", sizeBytes: 3 },
    { clientId: "a", topic: "w", sizeBytes: 1 },
  ]);
});
