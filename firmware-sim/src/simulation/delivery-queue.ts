import type { InMemoryMessage } from "./in-memory-broker.ts";
import type { QueueLimits } from "./network-options.ts";

/** Bytes of a PUBLISH beside topic and payload, about. */
const PUBLISH_OVERHEAD = 7;

/** Returns the size of a message on the wire, in bytes. */
export function wireSize({
  topic,
  payload,
}: {
  readonly topic: string;
  readonly payload: { readonly length: number };
}): number {
  return topic.length + payload.length + PUBLISH_OVERHEAD;
}

/**
 * A broker's queue for one client, with Mosquitto's rules: `inFlightMax` QoS 1 messages at a time are sent before they are
 * acknowledged, and `queueMax` more wait. QoS 0 messages don't wait for acknowledgments; they are dropped while `queueMax`
 * packets have not left.
 *
 * @see Mosquitto 2.0, `src/database.c`, `db__ready_for_flight` and `db__ready_for_queue`
 */
export class DeliveryQueue {
  readonly #limits: QueueLimits;
  /** Packets that the connection has not taken yet. */
  readonly #packets: InMemoryMessage[] = [];
  /** QoS 1 messages beyond `inFlightMax`. */
  readonly #waiting: InMemoryMessage[] = [];
  #inFlight = 0;
  #bytes = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /** Number of messages that have not left. */
  get size(): number {
    return this.#packets.length + this.#waiting.length;
  }

  /** Size of the messages that have not left, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a message. @returns `false` if the queue is full and the message is dropped. */
  push(message: InMemoryMessage): boolean {
    const { inFlightMax, queueMax } = this.#limits;
    if (message.qos === 0) {
      if (queueMax > 0 && this.#packets.length >= queueMax) return false;
      this.#packets.push(message);
    } else if (inFlightMax === 0 || this.#inFlight < inFlightMax) {
      this.#inFlight++;
      this.#packets.push(message);
    } else {
      if (queueMax > 0 && this.#waiting.length >= queueMax) return false;
      this.#waiting.push(message);
    }
    this.#bytes += wireSize(message);
    return true;
  }

  /** Removes and returns the next message to send. */
  take(): InMemoryMessage | undefined {
    const message = this.#packets.shift();
    if (message !== undefined) this.#bytes -= wireSize(message);
    return message;
  }

  /** Takes the acknowledgment of a QoS 1 message. */
  acknowledge(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#inFlight--;
    else this.#packets.push(next);
  }
}
