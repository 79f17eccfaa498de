/** A message that the broker delivers. */
export interface InMemoryMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
  /** Whether the message was retained and is sent because of a new subscription. */
  readonly retained: boolean;
}

/** A will: what the broker publishes, retained, when a connection breaks. */
export interface Will {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** A connection to the broker. Its session ends with it. All subscriptions have QoS 1. */
export interface BrokerClient {
  /** Client identifier. A client that connects ends the connection with the same one. */
  readonly id?: string | undefined;
  readonly will: Will | undefined;
  /** Receives a message for this client. */
  deliver(message: InMemoryMessage): void;
  /** Called when the broker ends the connection. */
  closed?(): void;
}

/**
 * The routing of an MQTT broker, without network: subscriptions with wildcards, retained messages, wills and takeover (MQTT
 * 3.1.1, sections 3.1.2.5, 3.1.4, 3.3.1.3 and 4.7). Every call takes effect at once; links add delays, queues and losses.
 */
export class InMemoryBroker {
  /** Filters of each connection. */
  readonly #clients: Map<BrokerClient, Set<string>> = new Map();
  readonly #byId: Map<string, BrokerClient> = new Map();
  /** Connections by filter: those without wildcards, which are topics, and the others. */
  readonly #topics: Map<string, Set<BrokerClient>> = new Map();
  readonly #wildcards: Map<string, Set<BrokerClient>> = new Map();
  readonly #retained: Map<string, { readonly payload: Uint8Array; readonly qos: 0 | 1 }> = new Map();
  #isUp = true;

  /** `false` between {@link stop} and {@link start}: clients can't connect. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** Returns whether a connection is one of this broker's. */
  isConnected(client: BrokerClient): boolean {
    return this.#clients.has(client);
  }

  /** Accepts a connection. @returns `true` if it took over from one with the same identifier. */
  connect(client: BrokerClient): boolean {
    const former = client.id === undefined ? undefined : this.#byId.get(client.id);
    if (former !== undefined) this.drop(former);
    this.#clients.set(client, new Set());
    if (client.id !== undefined) this.#byId.set(client.id, client);
    return former !== undefined;
  }

  /** Ends a connection. @param clean - `false` if it broke, in which case the will is published. */
  disconnect(client: BrokerClient, clean: boolean): void {
    const filters = this.#clients.get(client);
    if (filters === undefined) return;
    for (const filter of filters) this.#unindex(client, filter);
    this.#clients.delete(client);
    if (client.id !== undefined) this.#byId.delete(client.id);
    if (!clean && client.will !== undefined) this.publish(client.will.topic, client.will.payload, true);
  }

  /** Ends a connection from the broker's side, and publishes its will. @returns `false` if it has ended already. */
  drop(client: BrokerClient): boolean {
    if (!this.#clients.has(client)) return false;
    this.disconnect(client, false);
    client.closed?.();
    return true;
  }

  /** Ends all connections, as a broker that is killed: no will is published. */
  stop(): void {
    this.#isUp = false;
    const clients = [...this.#clients.keys()];
    for (const client of clients) this.disconnect(client, true);
    for (const client of clients) client.closed?.();
  }

  /** Starts again. @param withStore - `false` if retained messages are lost. */
  start(withStore: boolean): void {
    this.#isUp = true;
    if (!withStore) this.#retained.clear();
  }

  /** Subscribes, and sends the retained messages again at each call. */
  subscribe(client: BrokerClient, filter: string): void {
    const filters = this.#clients.get(client);
    if (filters === undefined) return;
    filters.add(filter);
    const index = indexOf(filter, this.#topics, this.#wildcards);
    const subscribers = index.get(filter);
    if (subscribers === undefined) index.set(filter, new Set([client]));
    else subscribers.add(client);
    for (const topic of hasWildcard(filter) ? this.#retained.keys() : [filter]) {
      const message = this.#retained.get(topic);
      if (message !== undefined && matchesFilter(filter, topic)) client.deliver({ topic, ...message, retained: true });
    }
  }

  unsubscribe(client: BrokerClient, filter: string): void {
    if (this.#clients.get(client)?.delete(filter)) this.#unindex(client, filter);
  }

  /** Delivers a message to every subscribed client, once each. An empty retained message clears the topic. */
  publish(topic: string, payload: Uint8Array, retain: boolean, qos: 0 | 1 = 1): void {
    if (retain && payload.length === 0) this.#retained.delete(topic);
    else if (retain) this.#retained.set(topic, { payload, qos });
    const message: InMemoryMessage = { topic, payload, qos, retained: false };
    for (const client of this.#subscribers(topic)) client.deliver(message);
  }

  /** Returns the retained message of a topic. */
  retained(topic: string): Uint8Array | undefined {
    return this.#retained.get(topic)?.payload;
  }

  #subscribers(topic: string): Iterable<BrokerClient> {
    const direct = this.#topics.get(topic);
    let all: Set<BrokerClient> | undefined;
    for (const [filter, clients] of this.#wildcards) {
      if (!matchesFilter(filter, topic)) continue;
      all ??= new Set(direct);
      for (const client of clients) all.add(client);
    }
    return all ?? direct ?? [];
  }

  #unindex(client: BrokerClient, filter: string): void {
    const index = indexOf(filter, this.#topics, this.#wildcards);
    const subscribers = index.get(filter);
    subscribers?.delete(client);
    if (subscribers?.size === 0) index.delete(filter);
  }
}

function indexOf<Index>(filter: string, topics: Index, wildcards: Index): Index {
  return hasWildcard(filter) ? wildcards : topics;
}

function hasWildcard(filter: string): boolean {
  return filter.includes("+") || filter.includes("#");
}

/** Returns whether a topic filter with `+` and `#` matches a topic (MQTT 3.1.1, section 4.7). */
export function matchesFilter(filter: string, topic: string): boolean {
  if (filter === topic) return true;
  if (!hasWildcard(filter)) return false;
  const levels = topic.split("/");
  const wanted = filter.split("/");
  for (const [index, level] of wanted.entries()) {
    if (level === "#") return true;
    if (index >= levels.length || (level !== "+" && level !== levels[index])) return false;
  }
  return wanted.length === levels.length;
}
