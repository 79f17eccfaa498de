import { readFile } from "node:fs/promises";
import { isIPv4, type Socket } from "node:net";
import { endianness } from "node:os";

/**
 * Returns the number of bytes that a socket has sent and the peer has not acknowledged.
 *
 * A write completes when this system has buffered the bytes, possibly minutes before a slow receiver accepts them:
 * Linux buffers up to 4 MiB per connection and accepts more only when a third of that is free. `/proc/net/tcp` has the
 * number of unacknowledged bytes (`tx_queue`, proc(5)).
 *
 * @returns `undefined` on other systems, where a completed write is the only sign of progress.
 */
export async function unacknowledgedBytes(socket: Socket): Promise<number | undefined> {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (process.platform !== "linux" || localAddress === undefined || remoteAddress === undefined) return undefined;
  const isV4 = isIPv4(localAddress);
  const table = await readFile(isV4 ? "/proc/self/net/tcp" : "/proc/self/net/tcp6", "latin1").catch(() => "");
  const [local, remote] = [portText(localPort), portText(remotePort)];
  const from = isV4 ? `${addressText(localAddress)}${local}` : local;
  const to = isV4 ? `${addressText(remoteAddress)}${remote}` : remote;
  for (const line of table.split("\n")) {
    const [, source = "", target = "", , queues = ""] = line.trim().split(/\s+/);
    if (source.endsWith(from) && target.endsWith(to)) return Number.parseInt(queues, 16);
  }
  return undefined;
}

function portText(port = 0): string {
  return `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** Formats an IPv4 address as the kernel does: one word in the machine's byte order. */
function addressText(address: string): string {
  const bytes = Buffer.from(address.split(".").map(Number));
  const word = endianness() === "LE" ? bytes.readUInt32LE(0) : bytes.readUInt32BE(0);
  return word.toString(16).toUpperCase().padStart(8, "0");
}
