import { PacketType, PublishFlag } from "./mqtt-packets.ts";
import { type PacketProxy, startPacketProxy } from "./packet-proxy.ts";

/** Stands between clients and a broker, and loses acknowledgements of the broker. */
export interface LossyProxy extends PacketProxy {
  /** PUBLISH packets of clients that had the DUP flag. */
  readonly repeated: number;
  /** PUBACK packets that were lost. */
  readonly lost: number;
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
  const proxy = await startPacketProxy(
    brokerPort,
    ({ type, bytes }) => {
      const [flags = 0] = bytes;
      if (type === PacketType.publish && (flags & PublishFlag.dup) !== 0) counts.repeated++;
      if (type === PacketType.publish && !retains) bytes[0] = flags & ~PublishFlag.retain;
      return "pass";
    },
    ({ type }) => {
      if (type !== PacketType.puback || !loses(++counts.acknowledgements)) return "pass";
      counts.lost++;
      return "lose";
    },
  );
  return {
    ...proxy,
    get repeated() {
      return counts.repeated;
    },
    get lost() {
      return counts.lost;
    },
  };
}
