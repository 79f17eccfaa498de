import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import type { NetworkStatus } from "@tinybms/ota-core";
import { connect } from "mqtt";
import { expect, test } from "vitest";
import { watchNetwork } from "./watch-network.ts";

/** Connects to a port until the second attempt has ended. */
async function attemptTwice(port: number): Promise<readonly NetworkStatus[]> {
  const statuses: NetworkStatus[] = [];
  const client = connect(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 1, reconnectOnConnackError: true });
  client.on("error", () => undefined);
  watchNetwork(client, (status) => statuses.push(status));
  // `once` of node:events would end with the first error.
  for (let attempt = 0; attempt < 2; attempt++) await new Promise<void>((resolve) => client.once("close", resolve));
  client.end(true);
  return statuses;
}

/** Connects twice to a server. @param answer - What it answers to CONNECT before it ends the connection. */
async function statusesOf(answer: readonly number[]): Promise<readonly NetworkStatus[]> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined).once("data", () => socket.end(Buffer.from(answer)));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const statuses = await attemptTwice((server.address() as AddressInfo).port);
  server.close();
  return statuses;
}

test("tells a broker that accepts connections and ends them from one that refuses the device", async () => {
  expect(await statusesOf([])).toEqual(["up", "up"]);
  const notAuthorized = [0x20, 0x02, 0x00, 0x05];
  expect(await statusesOf(notAuthorized)).toEqual(["up", "broker-refused", "up", "broker-refused"]);
});

test("reports nothing where nobody accepts connections", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  expect(await attemptTwice(port)).toEqual([]);
});
