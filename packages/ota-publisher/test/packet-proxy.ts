import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type Packet, PacketReader } from "./mqtt-packets.ts";

/** What happens to a packet: it passes, it is lost, or its connection breaks. */
export type PacketFate = "pass" | "lose" | "break";

/** Decides what happens to each packet of one direction. */
export type PacketRule = (packet: Packet) => PacketFate;

/** Stands between clients and a broker, packet by packet. */
export interface PacketProxy {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Starts a proxy before a broker.
 *
 * @param toBroker - For packets of clients.
 * @param toClient - For packets of the broker.
 */
export async function startPacketProxy(
  brokerPort: number,
  toBroker: PacketRule,
  toClient: PacketRule,
): Promise<PacketProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const broker = connect(brokerPort, "127.0.0.1");
    for (const [one, other, rule] of [
      [client, broker, toBroker],
      [broker, client, toClient],
    ] as const) {
      sockets.add(one);
      one.on("error", () => undefined);
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
      forward(one, other, rule);
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function forward(from: Socket, to: Socket, rule: PacketRule): void {
  const reader = new PacketReader();
  from.on("data", (bytes: Buffer) => {
    for (const packet of reader.read(bytes)) {
      const fate = rule(packet);
      if (fate === "pass") to.write(packet.bytes);
      if (fate === "break") from.destroy();
    }
  });
}
