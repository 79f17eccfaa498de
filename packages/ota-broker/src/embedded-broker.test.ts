import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { OtaError } from "@tinybms/ota-core";
import { expect, test } from "vitest";
import { startEmbeddedBroker } from "./embedded-broker.ts";

/** MQTT 3.1.1 CONNECT, clean session, keep-alive 60 s, client identifier "a". */
const CONNECT = Uint8Array.from([0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 1, 0x61]);

test("a broker takes a client, and closing it ends the client's connection at once", async () => {
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

test("the url names the port that was free", async () => {
  const broker = await startEmbeddedBroker({ port: 0 });
  expect(broker.port).toBeGreaterThan(0);
  expect(broker.url).toBe(`mqtt://127.0.0.1:${broker.port}`);
  await broker.close();
});

test("closing twice is closing once", async () => {
  const broker = await startEmbeddedBroker();
  await Promise.all([broker.close(), broker.close()]);
});

test("a port that is taken is told with host, port and what to do", async () => {
  const first = await startEmbeddedBroker();
  const error: unknown = await startEmbeddedBroker({ port: first.port }).catch((reason: unknown) => reason);
  await first.close();
  if (!(error instanceof OtaError)) throw new Error(`no OtaError: ${String(error)}`);
  expect(error.code).toBe("delivery/broker-unreachable");
  expect(error.details).toEqual({ host: "127.0.0.1", port: first.port });
  expect(error.message).toContain("the port is in use");
  expect(error.hint).toContain("--broker");
});

test("bytes that are no MQTT end their connection and leave the broker running", async () => {
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
