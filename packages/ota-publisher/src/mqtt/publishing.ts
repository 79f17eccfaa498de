import type { MqttClient } from "mqtt";
import { buildPublishHeader } from "./publish-packet.ts";

/** Result of a publish. */
export type PublishEnd =
  /** The broker acknowledged the message (QoS 1), or the socket accepted it (QoS 0). */
  | "acknowledged"
  /** The broker answered with a reason code. */
  | "refused"
  /** The broker did not acknowledge the message in time. A retained message was repeated first. */
  | "silent"
  /** The connection ended first. */
  | "lost";

/** How long to wait for an acknowledgement before a retained message is repeated, in milliseconds. */
const REPEAT_MS = 2_000;

/** How often to repeat a retained message. */
const REPEATS_MAX = 4;

/** How long to wait for the acknowledgement of another message, in milliseconds. */
const SILENCE_MS = 10_000;

/** Unacknowledged publish at QoS 1. */
interface Pending {
  readonly packetId: number;
  /** Sends the message again. Absent for messages that may be lost. */
  readonly repeat: (() => void) | undefined;
  readonly sentAt: number;
  readonly end: (end: PublishEnd) => void;
  repeats: number;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Publishes on one connection and limits the wait for each acknowledgement.
 *
 * A retained message is repeated with the DUP flag, because the delivery depends on it. Other messages (chunks) are
 * dropped: devices request missing chunks again. Brokers acknowledge in order (MQTT 3.1.1 section 4.6), so a chunk is
 * dropped once a later one is acknowledged. Otherwise mqtt.js would keep it in memory.
 */
export class Publishing {
  readonly #client: MqttClient;
  /** Pending messages in the order in which they were sent. */
  readonly #pending = new Map<number, Pending>();
  #answeredAt = Number.NEGATIVE_INFINITY;

  constructor(client: MqttClient) {
    this.#client = client;
  }

  /** Publishes a message. */
  publish(topic: string, payload: Uint8Array, options: { qos: 0 | 1; retain: boolean }): Promise<PublishEnd> {
    const client = this.#client;
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    return new Promise((resolve) => {
      let pending: Pending | undefined;
      const end = (reason: PublishEnd): void => {
        if (pending !== undefined) this.#settle(pending, reason);
        resolve(reason);
      };
      client.publish(topic, bytes, options, (error) => {
        if (error === undefined || error === null) end("acknowledged");
        else end(client.connected ? "refused" : "lost");
      });
      if (options.qos === 0) return;
      const packetId = client.getLastMessageId();
      const repeat = options.retain ? () => this.#repeat(topic, bytes, packetId) : undefined;
      pending = { packetId, repeat, sentAt: performance.now(), end, repeats: 0, timer: undefined };
      this.#pending.set(packetId, pending);
      this.#scheduleCheck(pending, repeat === undefined ? SILENCE_MS : REPEAT_MS);
    });
  }

  /** Drops all unacknowledged messages, so that the connection can be closed at once. */
  giveUp(): void {
    for (const pending of [...this.#pending.values()]) this.#drop(pending);
  }

  #scheduleCheck(pending: Pending, delayMs: number): void {
    pending.timer = setTimeout(() => this.#check(pending), delayMs);
  }

  #check(pending: Pending): void {
    const { repeat, sentAt } = pending;
    if (repeat === undefined) {
      // On a slow link, acknowledgements arrive late.
      const silentMs = performance.now() - Math.max(sentAt, this.#answeredAt);
      if (silentMs < SILENCE_MS) this.#scheduleCheck(pending, SILENCE_MS - silentMs);
      else this.#drop(pending);
    } else if (pending.repeats === REPEATS_MAX) this.#drop(pending);
    else {
      pending.repeats++;
      repeat();
      this.#scheduleCheck(pending, REPEAT_MS);
    }
  }

  #settle(pending: Pending, reason: PublishEnd): void {
    clearTimeout(pending.timer);
    if (this.#pending.get(pending.packetId) !== pending) return;
    if (reason === "acknowledged") {
      this.#answeredAt = performance.now();
      // Dropping deletes from the map, which its iterator allows. A copy would cost more than all else here.
      for (const earlier of this.#pending.values()) {
        if (earlier === pending) break;
        if (earlier.repeat === undefined) this.#drop(earlier);
      }
    }
    this.#pending.delete(pending.packetId);
  }

  #drop(pending: Pending): void {
    pending.end("silent");
    // This calls back once more, without effect.
    this.#client.removeOutgoingMessage(pending.packetId);
  }

  /** Sends the packet again with the DUP flag. MQTT 5.0 forbids that (section 4.4), so there it sends a new packet. */
  #repeat(topic: string, payload: Buffer, packetId: number): void {
    const client = this.#client;
    if (!client.connected) return;
    if (client.options.protocolVersion === 5) {
      client.publish(topic, payload, { qos: 1, retain: true }, (error) => {
        if (error === undefined || error === null) this.#pending.get(packetId)?.end("acknowledged");
        client.removeOutgoingMessage(packetId);
      });
      return;
    }
    const parts = { topic, payloadSizeBytes: payload.length, qos: 1, retain: true, packetId, version: 4 } as const;
    client.stream.write(Buffer.concat([buildPublishHeader({ ...parts, isRepeated: true }), payload]));
  }
}
