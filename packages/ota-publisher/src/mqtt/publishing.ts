import type { MqttClient } from "mqtt";
import { buildPublishHeader } from "./publish-packet.ts";

/** How a publish ended. */
export type PublishEnd =
  /** The broker acknowledged it (QoS 1), or it has left the socket (QoS 0). */
  | "acknowledged"
  /** The broker answered with a reason code. */
  | "refused"
  /** The broker answers others, or nothing at all, and this one not; a retained message was repeated before. */
  | "silent"
  /** The connection ended before. */
  | "lost";

/** How long a broker may be silent before a retained message is repeated, in milliseconds. */
const REPEAT_MS = 2_000;

/** So often a retained message is repeated. */
const REPEATS_MAX = 4;

/** How long a broker may be silent before a message that needs no acknowledgement is given up, in milliseconds. */
const SILENCE_MS = 10_000;

/** A publish at QoS 1 that is not acknowledged yet. */
interface Pending {
  readonly packetId: number;
  /** Sends the message again; absent for messages that may get lost. */
  readonly repeat: (() => void) | undefined;
  readonly sentAt: number;
  readonly end: (end: PublishEnd) => void;
  repeats: number;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Publishes on one connection, and bounds the wait for each acknowledgement.
 *
 * A retained message is repeated with the DUP flag, since everything else rests on it. Other messages (chunks) are given
 * up: devices ask again for what they lack. Brokers acknowledge in order (MQTT 3.1.1 section 4.6), so a chunk without an
 * acknowledgement is given up once a later one has it; mqtt.js would keep it in memory otherwise.
 */
export class Publishing {
  readonly #client: MqttClient;
  /** In the order in which they were sent. */
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
      this.#lookAfter(pending, repeat === undefined ? SILENCE_MS : REPEAT_MS);
    });
  }

  /** Gives up what is not acknowledged yet, so that the connection can end at once. */
  giveUp(): void {
    for (const pending of [...this.#pending.values()]) this.#drop(pending);
  }

  #lookAfter(pending: Pending, delayMs: number): void {
    pending.timer = setTimeout(() => this.#look(pending), delayMs);
  }

  #look(pending: Pending): void {
    const { repeat, sentAt } = pending;
    if (repeat === undefined) {
      // On a slow link acknowledgements come late, but they come.
      const silentMs = performance.now() - Math.max(sentAt, this.#answeredAt);
      if (silentMs < SILENCE_MS) this.#lookAfter(pending, SILENCE_MS - silentMs);
      else this.#drop(pending);
    } else if (pending.repeats === REPEATS_MAX) this.#drop(pending);
    else {
      pending.repeats++;
      repeat();
      this.#lookAfter(pending, REPEAT_MS);
    }
  }

  #settle(pending: Pending, reason: PublishEnd): void {
    clearTimeout(pending.timer);
    if (this.#pending.get(pending.packetId) !== pending) return;
    if (reason === "acknowledged") {
      this.#answeredAt = performance.now();
      for (const earlier of [...this.#pending.values()]) {
        if (earlier === pending) break;
        if (earlier.repeat === undefined) this.#drop(earlier);
      }
    }
    this.#pending.delete(pending.packetId);
  }

  #drop(pending: Pending): void {
    pending.end("silent");
    // Calls back once more, to no effect.
    this.#client.removeOutgoingMessage(pending.packetId);
  }

  /** Sends the same packet with the DUP flag. MQTT 5.0 forbids that on a living connection (section 4.4): a new one there. */
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
