import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A packet of MQTT as it goes over the wire. */
interface Packet {
  /** Upper half of the first byte (MQTT 3.1.1 section 2.2.1). */
  readonly type: number;
  readonly bytes: Buffer;
}

/** Stands between clients and a broker, and loses acknowledgements of the broker. */
export interface LossyProxy {
  readonly url: string;
  /** PUBLISH packets of clients that had the DUP flag. */
  readonly repeated: number;
  /** PUBACK packets that were lost. */
  readonly lost: number;
  close(): Promise<void>;
}

const PUBLISH = 3;
const PUBACK = 4;
const DUP = 0x08;
const RETAIN = 0x01;

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
      if (type === PUBLISH && (flags & DUP) !== 0) counts.repeated++;
      if (type === PUBLISH && !retains) bytes[0] = flags & ~RETAIN;
      return true;
    });
    forward(broker, client, ({ type }) => {
      if (type !== PUBACK || !loses(++counts.acknowledgements)) return true;
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
  let rest = Buffer.alloc(0);
  from.on("data", (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes]);
    for (let size = packetSize(rest); size !== undefined && size <= rest.length; size = packetSize(rest)) {
      const packet = rest.subarray(0, size);
      rest = rest.subarray(size);
      if (passes({ type: (packet[0] ?? 0) >> 4, bytes: packet })) to.write(packet);
    }
  });
}

/** Bytes of the packet that begins here (section 2.2.3); `undefined` until its length is there. */
function packetSize(bytes: Buffer): number | undefined {
  let length = 0;
  for (let index = 1; index < Math.min(bytes.length, 5); index++) {
    const byte = bytes[index] ?? 0;
    length += (byte & 0x7f) * 128 ** (index - 1);
    if (byte < 0x80) return 1 + index + length;
  }
  return undefined;
}
