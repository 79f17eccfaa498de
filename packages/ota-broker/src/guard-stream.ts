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

/** The largest message that is read only to be skipped, in bytes. A larger one ends the connection. */
export const SKIPPED_SIZE_MAX: number = 256 * 1024;

/** A message that was skipped because it is larger than its topic may have. */
export interface SkippedMessage {
  readonly topic: string;
  readonly sizeBytes: number;
  readonly sizeMax: number;
}

/** What a client accepts. */
export interface GuardOptions {
  /** The topics on which whole images may come. */
  readonly blob?: BlobTopics;
  /** Called for the first skipped message of each topic. */
  readonly onSkipped?: ((message: SkippedMessage) => void) | undefined;
}

/** Says which messages of a guarded client are to be read. */
export interface MessageFilter {
  /** Returns `false` for a message that is larger than its topic may have, and counts it. */
  admits(topic: string, payload: Uint8Array): boolean;
  /** Messages that were too large. */
  readonly skipped: number;
}

/** Topics of skipped messages that are remembered, so that each is named once. */
const NAMED_TOPICS_MAX = 1_000;

/**
 * Guards a client of mqtt.js against its broker, on this connection and on every later one.
 *
 * A message larger than its topic may have is read up to {@link SKIPPED_SIZE_MAX}: pass each message to the filter that is
 * returned, and drop what it does not admit. A larger one ends the connection before it is read, with an {@link OtaError}
 * `protocol/too-large`, and what is no MQTT with `protocol/malformed`. The client hears of it as its `error`, then its `close`.
 *
 * Call it in the same turn in which the client was made.
 */
export function guardClient(client: GuardedClient, { blob, onSkipped }: GuardOptions = {}): MessageFilter {
  const guard = (): void => {
    const limits = { first: "connack", connectSizeMax: 0, packetSizeMax: PACKET_SIZE_MAX } as const;
    const sizeMax = (topic: string | undefined): number => Math.max(messageSizeMax(topic, blob), SKIPPED_SIZE_MAX);
    guardStream(client.stream, new PacketGuard({ ...limits, messageSizeMax: sizeMax }));
  };
  guard();
  // mqtt.js makes another stream for each connection, and sends CONNECT on it in the same turn.
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
