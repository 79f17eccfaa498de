/** A message on its way through the broker. */
export interface BrokerMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** The broker had kept it, and it arrives because of a new subscription. */
  readonly retained: boolean;
}

/** What the broker publishes, retained, when a connection breaks. */
export interface Will {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** One connection to the broker. Its session ends with it. */
export interface BrokerClient {
  readonly will: Will | undefined;
  /** Takes a message for this client. */
  deliver(message: BrokerMessage): void;
}

/**
 * An MQTT broker's routing, without network: subscriptions with wildcards, retained messages, wills (MQTT 3.1.1,
 * sections 3.1.2.5, 3.3.1.3, 4.7). Every call has its effect at once; delays and losses are the links'.
 */
export class InMemoryBroker {
  readonly #clients: Map<BrokerClient, Set<string>> = new Map();
  readonly #retained: Map<string, Uint8Array> = new Map();

  connect(client: BrokerClient): void {
    this.#clients.set(client, new Set());
  }

  /** Ends a connection. @param clean - False where it broke off: the will is published. */
  disconnect(client: BrokerClient, clean: boolean): void {
    const wasConnected = this.#clients.delete(client);
    if (wasConnected && !clean && client.will !== undefined) {
      this.publish(client.will.topic, client.will.payload, true);
    }
  }

  /** Subscribes, and sends what is retained there: anew at each call. */
  subscribe(client: BrokerClient, filter: string): void {
    const filters = this.#clients.get(client);
    if (filters === undefined) return;
    filters.add(filter);
    for (const [topic, payload] of this.#retained) {
      if (matchesFilter(filter, topic)) client.deliver({ topic, payload, retained: true });
    }
  }

  unsubscribe(client: BrokerClient, filter: string): void {
    this.#clients.get(client)?.delete(filter);
  }

  /** Hands a message to every client that subscribed to its topic, once each. Empty and retained clears the topic. */
  publish(topic: string, payload: Uint8Array, retain: boolean): void {
    if (retain && payload.length === 0) this.#retained.delete(topic);
    else if (retain) this.#retained.set(topic, payload);
    for (const [client, filters] of this.#clients) {
      if ([...filters].some((filter) => matchesFilter(filter, topic))) {
        client.deliver({ topic, payload, retained: false });
      }
    }
  }

  /** The message kept on a topic. */
  retained(topic: string): Uint8Array | undefined {
    return this.#retained.get(topic);
  }
}

/** Whether a topic filter with `+` and `#` takes in a topic (MQTT 3.1.1, section 4.7). */
export function matchesFilter(filter: string, topic: string): boolean {
  if (filter === topic) return true;
  if (!/[+#]/.test(filter)) return false;
  const levels = topic.split("/");
  const wanted = filter.split("/");
  for (const [index, level] of wanted.entries()) {
    if (level === "#") return true;
    if (index >= levels.length || (level !== "+" && level !== levels[index])) return false;
  }
  return wanted.length === levels.length;
}
