import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type Packet, PacketReader } from "../mqtt-packets.ts";

/** What a proxy does to the packets of one connection. Both functions return what is sent on. */
export interface PacketFault {
  /** @param answer - Sends bytes to the client. */
  readonly fromClient?: (packet: Packet, answer: (bytes: Buffer) => void) => readonly Buffer[];
  readonly fromBroker?: (packet: Packet) => readonly Buffer[];
  /** Sent to the broker when the client is gone. */
  readonly atEnd?: Buffer;
}

/** A broker with a fault: a proxy in front of one that works. */
export interface FaultyProxy {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Starts a proxy on a free port.
 *
 * @param fault - Creates the fault of each connection, whose number is counted from 0.
 */
export async function startFaultyProxy(
  brokerPort: number,
  fault: (connection: number) => PacketFault,
): Promise<FaultyProxy> {
  const brokers = new Set<Socket>();
  const clients = new Set<Socket>();
  let count = 0;
  const server = createServer((client) => {
    const broker = connect(brokerPort, "127.0.0.1");
    brokers.add(broker);
    clients.add(client);
    const { fromClient, fromBroker, atEnd } = fault(count++);
    const upwards = new PacketReader();
    const downwards = new PacketReader();
    client.on("data", (bytes: Buffer) => {
      for (const packet of upwards.read(bytes)) {
        const passed = fromClient?.(packet, (answer) => client.write(answer)) ?? [packet.bytes];
        for (const it of passed) broker.write(it);
      }
    });
    broker.on("data", (bytes: Buffer) => {
      for (const packet of downwards.read(bytes)) {
        for (const it of fromBroker?.(packet) ?? [packet.bytes]) client.write(it);
      }
    });
    client.on("error", () => undefined);
    broker.on("error", () => undefined);
    client.once("close", () => {
      clients.delete(client);
      if (atEnd === undefined) broker.destroy();
      else broker.end(atEnd);
    });
    broker.once("close", () => {
      brokers.delete(broker);
      client.destroy();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of [...clients, ...brokers]) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
