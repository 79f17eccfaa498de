import { equalBytes } from "../bytes.ts";

interface ExpectedMessage {
  readonly payload: Uint8Array;
  /** The message itself arrived live: the broker lets this publisher write and read the topic. */
  isLive: boolean;
  /** Any retained message arrived on the topic: the broker retains. */
  isRetaining: boolean;
  /** The message itself arrived as a retained one. */
  isKept: boolean;
}

/**
 * Checks whether a broker keeps what it was told to retain. An acknowledgement does not say so: Mosquitto acknowledges a
 * message at QoS 1 that its access control drops, and brokers without retained messages acknowledge them too.
 *
 * A message counts as kept once it arrives with the RETAIN flag. It also counts if it arrived live and the topic gave back
 * another retained message: then another publisher overwrites the topic, and the broker works.
 */
export class ReadBack {
  readonly #messages = new Map<string, ExpectedMessage>();

  /** @param messages - What was published to be retained, by topic. */
  constructor(messages: ReadonlyMap<string, Uint8Array>) {
    for (const [topic, payload] of messages) {
      this.#messages.set(topic, { payload, isLive: false, isRetaining: false, isKept: false });
    }
  }

  /** Topics whose message the broker has not given back. */
  get missing(): string[] {
    return [...this.#messages]
      .filter(([, { isLive, isRetaining, isKept }]) => !isKept && !(isLive && isRetaining))
      .map(([topic]) => topic);
  }

  /**
   * Takes a message from the broker.
   *
   * @param isRetained - RETAIN flag of the message.
   * @returns `true` if it is the message that was published on this topic.
   */
  see(topic: string, payload: Uint8Array, isRetained: boolean): boolean {
    const message = this.#messages.get(topic);
    if (message === undefined) return false;
    const isOwn = equalBytes(message.payload, payload);
    if (isRetained) message.isRetaining = true;
    if (isOwn && isRetained) message.isKept = true;
    if (isOwn) message.isLive = true;
    return isOwn;
  }
}
