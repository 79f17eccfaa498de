import { readFile } from "node:fs/promises";
import { isIPv4, type Socket } from "node:net";
import { endianness } from "node:os";

/**
 * Bytes that a socket has sent and the peer's system has not acknowledged yet.
 *
 * A write is done when this system has the bytes, which may be minutes before a slow receiver takes them: Linux keeps up to
 * 4 MiB of a connection, and asks for more only when a third of that is free. `/proc/net/tcp` tells how many are left
 * (`tx_queue`, proc(5)).
 *
 * @returns `undefined` where the system does not tell: there a write that is done is the only sign of progress.
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

/** An IPv4 address as the kernel prints it: one word in the machine's own order. */
function addressText(address: string): string {
  const bytes = Buffer.from(address.split(".").map(Number));
  const word = endianness() === "LE" ? bytes.readUInt32LE(0) : bytes.readUInt32BE(0);
  return word.toString(16).toUpperCase().padStart(8, "0");
}
