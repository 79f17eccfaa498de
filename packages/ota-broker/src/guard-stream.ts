import type { Duplex } from "node:stream";
import { OtaError } from "@tinybms/ota-core";
import type { ByteBudget } from "./byte-budget.ts";
import { type BlobTopics, messageSizeMax } from "./message-size.ts";
import { PacketGuard, type PacketRefusal } from "./packet-guard.ts";

/** What {@link guardClient} uses of an `MqttClient` of mqtt.js. */
export interface GuardedClient {
  /** The connection of now. */
  readonly stream: Duplex;
  on(event: "packetsend", listener: (packet: { readonly cmd: string }) => void): unknown;
}

/** The longest packet besides PUBLISH and CONNECT, in bytes. */
export const PACKET_SIZE_MAX: number = 64 * 1024;

/**
 * Guards a client of mqtt.js against its broker, on this connection and on every later one: a message larger than its
 * topic may have ends the connection before it is read, with an {@link OtaError} `protocol/too-large`, and what is no
 * MQTT with `protocol/malformed`. The client hears of it as its `error`, then its `close`.
 *
 * Call it in the same turn in which the client was made.
 *
 * @param blob - The topics on which whole images may come.
 */
export function guardClient(client: GuardedClient, blob?: BlobTopics): void {
  const guard = (): void => {
    const limits = { first: "connack", connectSizeMax: 0, packetSizeMax: PACKET_SIZE_MAX } as const;
    const packets = new PacketGuard({ ...limits, messageSizeMax: (topic) => messageSizeMax(topic, blob) });
    guardStream(client.stream, packets);
  };
  guard();
  // mqtt.js makes another stream for each connection, and sends CONNECT on it in the same turn.
  client.on("packetsend", (packet) => {
    if (packet.cmd === "connect") guard();
  });
}

/**
 * Puts a guard before whatever reads a stream. The bytes go their way untouched, none is copied; when the guard refuses,
 * the stream is destroyed, and what reads it gets no more than the piece that came in last.
 */
function guardStream(stream: Duplex, guard: PacketGuard): void {
  // Before the parser's own listener, without making the stream flow: streams say `data` for what read() returns, too.
  stream.prependListener("data", (bytes: Uint8Array) => {
    if (stream.destroyed) return;
    const refusal = guard.push(bytes);
    if (refusal !== undefined) stream.destroy(refusalError(refusal));
  });
}

/** Returns the error that a connection ends with. */
export function refusalError({ reason, packet, topic, sizeBytes, limitBytes, offset }: PacketRefusal): OtaError {
  const on = topic === undefined ? "" : ` on ${JSON.stringify(topic)}`;
  const where = `the ${packet} packet${on} at byte ${offset} of the connection`;
  if (reason === "too-large") {
    const message = `${where} announces ${sizeBytes} bytes; it may have ${limitBytes}`;
    return new OtaError("protocol/too-large", message, { message: packet, size: sizeBytes, limit: limitBytes });
  }
  return new OtaError("protocol/malformed", `${where} ${FAULTS[reason]}`, { message: packet, path: "" });
}

const FAULTS: Readonly<Record<Exclude<PacketRefusal["reason"], "too-large">, string>> = {
  length: "has a remaining length of more than four bytes",
  topic: "ends before its topic does",
  "first-packet": "can't begin a connection; CONNECT comes first from a client, CONNACK from a server",
};

/** Returns the error that a connection ends with when all together announce too much. */
export function budgetError(sizeBytes: number, budget: ByteBudget): OtaError {
  const limit = budget.sizeMax;
  const message = `a packet of ${sizeBytes} bytes does not fit beside those under way; all together may have ${limit}`;
  return new OtaError("protocol/too-large", message, { message: "packet", size: sizeBytes, limit });
}
