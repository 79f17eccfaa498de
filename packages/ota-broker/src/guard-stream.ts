import type { Duplex } from "node:stream";
import { OtaError } from "@tinybms/ota-core";
import type { ByteBudget } from "./byte-budget.ts";
import { type BlobTopics, messageSizeMax } from "./message-size.ts";
import { PacketGuard, type PacketRefusal } from "./packet-guard.ts";

/** The members of mqtt.js's `MqttClient` that {@link guardClient} uses. */
export interface GuardedClient {
  /** The current connection. */
  readonly stream: Duplex;
  on(event: "packetsend", listener: (packet: { readonly cmd: string }) => void): unknown;
}

/** Maximum size of a packet other than PUBLISH and CONNECT, in bytes. */
export const PACKET_SIZE_MAX: number = 64 * 1024;

/** Maximum size of a message that is read and then skipped, in bytes. A larger one ends the connection. */
export const SKIPPED_SIZE_MAX: number = 256 * 1024;

/** A message that was skipped because it exceeds the maximum size of its topic. */
export interface SkippedMessage {
  readonly topic: string;
  readonly sizeBytes: number;
  readonly sizeMax: number;
}

/** Options of {@link guardClient}. */
export interface GuardOptions {
  /** Topics on which whole images are accepted. */
  readonly blob?: BlobTopics;
  /** Called for the first skipped message of each topic. */
  readonly onSkipped?: ((message: SkippedMessage) => void) | undefined;
}

/** Filter for the messages of a guarded client. */
export interface MessageFilter {
  /** Returns `false` for a message that exceeds the maximum size of its topic, and counts it. */
  admits(topic: string, payload: Uint8Array): boolean;
  /** Number of messages that were too large. */
  readonly skipped: number;
}

/** Maximum number of remembered topics of skipped messages. Each topic is reported once. */
const NAMED_TOPICS_MAX = 1_000;

/**
 * Protects a client of mqtt.js from its broker, on this connection and every later one. Call it in the same turn in which
 * the client is created.
 *
 * A message that exceeds the maximum size of its topic is read up to {@link SKIPPED_SIZE_MAX}: pass each message to the
 * returned filter, and drop those that it does not admit. A larger message ends the connection before it is read, with an
 * {@link OtaError} `protocol/too-large`; bytes that are not MQTT end it with `protocol/malformed`. The client emits the
 * error as `error`, then `close`.
 */
export function guardClient(client: GuardedClient, { blob, onSkipped }: GuardOptions = {}): MessageFilter {
  const guard = (): void => {
    const limits = { first: "connack", connectSizeMax: 0, packetSizeMax: PACKET_SIZE_MAX } as const;
    const sizeMax = (topic: string | undefined): number => Math.max(messageSizeMax(topic, blob), SKIPPED_SIZE_MAX);
    guardStream(client.stream, new PacketGuard({ ...limits, messageSizeMax: sizeMax }));
  };
  guard();
  // mqtt.js creates a stream for each connection, and sends CONNECT on it in the same turn.
  client.on("packetsend", (packet) => {
    if (packet.cmd === "connect") guard();
  });
  const named = new Set<string>();
  let skipped = 0;
  return {
    admits(topic, { length: sizeBytes }) {
      const sizeMax = messageSizeMax(topic, blob);
      if (sizeBytes <= sizeMax) return true;
      skipped++;
      if (!named.has(topic) && named.size < NAMED_TOPICS_MAX) {
        named.add(topic);
        onSkipped?.({ topic, sizeBytes, sizeMax });
      }
      return false;
    },
    get skipped() {
      return skipped;
    },
  };
}

/**
 * Puts a guard before the readers of a stream, without copying bytes. If the guard refuses, the stream is destroyed; its
 * readers get at most the piece that was received last.
 */
function guardStream(stream: Duplex, guard: PacketGuard): void {
  // Runs before the parser's listener and does not start the flow: streams also emit `data` for bytes returned by read().
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
    const message = `${where} announces ${sizeBytes} bytes; the limit is ${limitBytes}`;
    return new OtaError("protocol/too-large", message, { message: packet, size: sizeBytes, limit: limitBytes });
  }
  return new OtaError("protocol/malformed", `${where} ${FAULTS[reason]}`, { message: packet, path: "" });
}

const FAULTS: Readonly<Record<Exclude<PacketRefusal["reason"], "too-large">, string>> = {
  length: "has a remaining length of more than four bytes",
  topic: "ends before its topic does",
  "first-packet": "can't begin a connection; CONNECT comes first from a client, CONNACK from a server",
};

/** Returns the error that ends a connection when all connections together have announced too many bytes. */
export function budgetError(sizeBytes: number, budget: ByteBudget): OtaError {
  const limit = budget.sizeMax;
  const message = `a packet of ${sizeBytes} bytes exceeds the limit of ${limit} bytes for all unfinished packets together`;
  return new OtaError("protocol/too-large", message, { message: "packet", size: sizeBytes, limit });
}
