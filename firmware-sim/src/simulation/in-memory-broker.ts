/** A message that the broker delivers. */
export interface InMemoryMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** Whether the message was retained and is sent because of a new subscription. */
  readonly retained: boolean;
}

/** A will: what the broker publishes, retained, when a connection breaks. */
export interface Will {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** A connection to the broker. Its session ends with it. */
export interface BrokerClient {
  readonly will: Will | undefined;
  /** Receives a message for this client. */
  deliver(message: InMemoryMessage): void;
}

/**
 * The routing of an MQTT broker, without network: subscriptions with wildcards, retained messages and wills (MQTT 3.1.1,
 * sections 3.1.2.5, 3.3.1.3 and 4.7). Every call takes effect at once; links add delays and losses.
 */
export class InMemoryBroker {
  readonly #clients: Map<BrokerClient, Set<string>> = new Map();
  readonly #retained: Map<string, Uint8Array> = new Map();

  connect(client: BrokerClient): void {
    this.#clients.set(client, new Set());
  }

  /** Ends a connection. @param clean - `false` if it broke, in which case the will is published. */
  disconnect(client: BrokerClient, clean: boolean): void {
    const wasConnected = this.#clients.delete(client);
    if (wasConnected && !clean && client.will !== undefined) {
      this.publish(client.will.topic, client.will.payload, true);
    }
  }

  /** Subscribes, and sends the retained messages again at each call. */
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

  /** Delivers a message to every subscribed client, once each. An empty retained message clears the topic. */
  publish(topic: string, payload: Uint8Array, retain: boolean): void {
    if (retain && payload.length === 0) this.#retained.delete(topic);
    else if (retain) this.#retained.set(topic, payload);
    for (const [client, filters] of this.#clients) {
      if ([...filters].some((filter) => matchesFilter(filter, topic))) {
        client.deliver({ topic, payload, retained: false });
      }
    }
  }

  /** Returns the retained message of a topic. */
  retained(topic: string): Uint8Array | undefined {
    return this.#retained.get(topic);
  }
}

/** Returns whether a topic filter with `+` and `#` matches a topic (MQTT 3.1.1, section 4.7). */
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
