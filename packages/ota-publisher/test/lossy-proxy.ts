import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type Packet, PacketReader, PacketType, PublishFlag } from "./mqtt-packets.ts";

/** Stands between clients and a broker, and loses acknowledgements of the broker. */
export interface LossyProxy {
  readonly url: string;
  /** PUBLISH packets of clients that had the DUP flag. */
  readonly repeated: number;
  /** PUBACK packets that were lost. */
  readonly lost: number;
  close(): Promise<void>;
}

/**
 * Starts a proxy before a broker.
 *
 * @param loses - Whether the PUBACK with this number, counted from 1 over all connections, is lost.
 * @param retains - Whether the broker hears of clients' retain flags; with `false` it keeps nothing.
 */
export async function startLossyProxy(
  brokerPort: number,
  loses: (number: number) => boolean,
  retains = true,
): Promise<LossyProxy> {
  const counts = { repeated: 0, acknowledgements: 0, lost: 0 };
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const broker = connect(brokerPort, "127.0.0.1");
    for (const [one, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      sockets.add(one);
      one.on("error", () => undefined);
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    forward(client, broker, ({ type, bytes }) => {
      const [flags = 0] = bytes;
      if (type === PacketType.publish && (flags & PublishFlag.dup) !== 0) counts.repeated++;
      if (type === PacketType.publish && !retains) bytes[0] = flags & ~PublishFlag.retain;
      return true;
    });
    forward(broker, client, ({ type }) => {
      if (type !== PacketType.puback || !loses(++counts.acknowledgements)) return true;
      counts.lost++;
      return false;
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get repeated() {
      return counts.repeated;
    },
    get lost() {
      return counts.lost;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function forward(from: Socket, to: Socket, passes: (packet: Packet) => boolean): void {
  const reader = new PacketReader();
  from.on("data", (bytes: Buffer) => {
    for (const packet of reader.read(bytes)) if (passes(packet)) to.write(packet.bytes);
  });
}
