import { BlockList, isIPv6, type Socket } from "node:net";

const LOOPBACK: BlockList = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8);
LOOPBACK.addAddress("::1", "ipv6");

/** Returns `true` if the peer of a connection is a process of this machine. */
export function isOfThisMachine({
  remoteAddress,
  localAddress,
}: {
  readonly remoteAddress?: string | undefined;
  readonly localAddress?: string | undefined;
}): boolean {
  if (remoteAddress === undefined) return false;
  return remoteAddress === localAddress || LOOPBACK.check(remoteAddress, isIPv6(remoteAddress) ? "ipv6" : "ipv4");
}

/**
 * Returns the group of an address. For IPv6 it is the first 64 bits, because one host controls the rest (RFC 4291 section
 * 2.5.4).
 */
export function addressGroup(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = "", tail] = (address.split("%")[0] ?? "").split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? [] : new Array<string>(Math.max(0, 8 - left.length - right.length)).fill("0");
  return `${[...left, ...zeros, ...right].slice(0, 4).join(":")}::/64`;
}

/** Counts connections by address. */
export class ConnectionCount {
  readonly #counts: Map<string, number> = new Map();

  /** Counts a connection until it closes. @returns The number of connections from its address, including this one. */
  add(socket: Socket): number {
    const group = addressGroup(socket.remoteAddress ?? "");
    const count = (this.#counts.get(group) ?? 0) + 1;
    this.#counts.set(group, count);
    socket.once("close", () => {
      const left = (this.#counts.get(group) ?? 0) - 1;
      if (left > 0) this.#counts.set(group, left);
      else this.#counts.delete(group);
    });
    return count;
  }
}
