import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { parseBrokerUrl } from "./broker-url.ts";
import { connectUntil } from "./connect.ts";

test("reports the previous attempt's reason if the time limit interrupts an attempt", async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on("error", () => undefined));
    if (sockets.length === 1) socket.destroy();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = parseBrokerUrl(`mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const options = { clientId: "test", connectTimeoutMs: 3_000, wait: () => Promise.resolve() };
  try {
    await expect(connectUntil(address, options, performance.now() + 3_000, undefined)).rejects.toMatchObject({
      code: "delivery/broker-unreachable",
      message: expect.stringContaining("closed the connection"),
    });
    expect(sockets.length).toBeGreaterThan(1);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});
