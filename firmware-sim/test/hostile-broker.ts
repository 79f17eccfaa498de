import { parseTopic } from "@tinybms/ota-core";
import type { Random } from "../src/random/random.ts";
import { type BrokerClient, InMemoryBroker, type InMemoryMessage } from "../src/simulation/in-memory-broker.ts";

/** Messages that an attacker has: everything ever published, and its own forgeries. */
export interface Armoury {
  readonly topicRoot: string;
  /** Topics on which devices receive messages. */
  readonly topics: readonly string[];
  /** Offer topics among them. */
  readonly offerTopics: readonly string[];
  /** Offers, key sets, hash lists and chunks: all published ones, and forged ones. */
  readonly payloads: readonly Uint8Array[];
  /** Offers and key sets among them. */
  readonly envelopes: readonly Uint8Array[];
  /** Hash list and chunk messages of each image, by the image's name in topics. */
  readonly images: ReadonlyMap<string, { readonly hashes: Uint8Array; readonly chunks: readonly Uint8Array[] }>;
}

/** Maximum number of messages that are held back and delivered out of order. Beyond that, the oldest is lost. */
const HELD_MAX = 8;

/**
 * A broker under an attacker's control. It drops, holds back, duplicates, damages or replaces messages, sends any
 * message to any client on any topic, shows each client different messages, and serves earlier images. It still keeps
 * what honest publishers retained, and serves that once it becomes honest.
 */
export class HostileBroker extends InMemoryBroker {
  readonly #random: Random;
  readonly #armoury: Armoury;
  readonly #proxies: Map<BrokerClient, BrokerClient> = new Map();
  /** The message that each client gets in place of every new message. */
  readonly #stories: Map<BrokerClient, Uint8Array> = new Map();
  readonly #held: (() => void)[] = [];
  /** Topics whose messages are never delivered, so that devices only see earlier ones. Empty in some worlds. */
  readonly #pinned: readonly string[];
  #isHostile = true;

  constructor(random: Random, armoury: Armoury) {
    super();
    this.#random = random;
    this.#armoury = armoury;
    this.#pinned = armoury.topics.filter((topic) => topic.includes("/keys/") && random.bool(0.4));
  }

  override isConnected(client: BrokerClient): boolean {
    return this.#proxies.has(client);
  }

  override connect(client: BrokerClient): boolean {
    const proxy: BrokerClient = { will: client.will, deliver: (message) => this.#deliver(client, message) };
    this.#proxies.set(client, proxy);
    this.#stories.set(client, this.#pick(this.#armoury.envelopes));
    return super.connect(proxy);
  }

  override disconnect(client: BrokerClient, clean: boolean): void {
    const proxy = this.#proxies.get(client);
    if (proxy === undefined) return;
    this.#proxies.delete(client);
    this.#stories.delete(client);
    super.disconnect(proxy, clean);
  }

  override subscribe(client: BrokerClient, filter: string): void {
    const proxy = this.#proxies.get(client);
    if (proxy === undefined) return;
    const parsed = parseTopic(this.#armoury.topicRoot, filter);
    const image = parsed?.kind === "hashes" ? this.#armoury.images.get(parsed.image) : undefined;
    if (this.#isHostile && image !== undefined) this.#tell(client, filter, image.hashes);
    super.subscribe(proxy, filter);
  }

  override unsubscribe(client: BrokerClient, filter: string): void {
    const proxy = this.#proxies.get(client);
    if (proxy !== undefined) super.unsubscribe(proxy, filter);
  }

  override publish(topic: string, payload: Uint8Array, retain: boolean): void {
    super.publish(topic, payload, retain);
    const parsed = parseTopic(this.#armoury.topicRoot, topic);
    if (this.#isHostile && parsed?.kind === "request") this.#serve(payload);
  }

  /** Sends an unrequested message to a client. */
  attack(): void {
    if (!this.#isHostile) return;
    const clients = [...this.#proxies.keys()];
    if (clients.length === 0) return;
    const client = this.#pick(clients);
    const { topics, offerTopics, payloads, envelopes } = this.#armoury;
    const isSly = this.#random.bool(0.7);
    const topic = this.#pick(isSly ? offerTopics : topics);
    const payload = this.#pick(isSly ? envelopes : payloads);
    if (!this.#pinned.includes(topic)) {
      this.#tell(client, topic, this.#random.bool(0.1) ? this.#damaged(payload) : payload);
    }
    if (this.#random.bool(0.3)) this.#letGo();
  }

  /** From now on behaves as a correct broker. */
  turnHonest(): void {
    this.#isHostile = false;
    this.#held.length = 0;
  }

  #deliver(client: BrokerClient, message: InMemoryMessage): void {
    if (!this.#isHostile) return client.deliver(message);
    if (this.#pinned.includes(message.topic)) return;
    const choice = this.#random.integer(1, 100);
    if (choice <= 45) return client.deliver(message);
    if (choice <= 60) return; // dropped
    if (choice <= 72) return this.#hold(() => client.deliver(message));
    if (choice <= 80) return this.#repeat(() => client.deliver(message));
    if (choice <= 86) return client.deliver({ ...message, payload: this.#damaged(message.payload) });
    if (choice <= 93) return client.deliver({ ...message, payload: this.#stories.get(client) ?? message.payload });
    client.deliver({ ...message, payload: this.#pick(this.#armoury.payloads) });
  }

  /** Answers a device's request: with the right chunks, also of earlier images, or with chunks of another image. */
  #serve(request: Uint8Array): void {
    const name = /"image":"([0-9a-f]{32})"/.exec(new TextDecoder().decode(request))?.[1] ?? "";
    const image = this.#armoury.images.get(name);
    if (image === undefined || this.#random.bool(0.3)) return;
    for (const client of this.#proxies.keys()) {
      for (const chunk of [...image.chunks].reverse()) {
        this.#tell(client, `${this.#armoury.topicRoot}/v1/image/${name}/chunk`, chunk);
      }
    }
  }

  #tell(client: BrokerClient, topic: string, payload: Uint8Array): void {
    client.deliver({ topic, payload, qos: 1, retained: this.#random.bool() });
  }

  #hold(release: () => void): void {
    this.#held.push(release);
    if (this.#held.length > HELD_MAX) this.#held.shift();
  }

  #letGo(): void {
    const release = this.#held.splice(this.#random.integer(0, Math.max(0, this.#held.length - 1)), 1)[0];
    release?.();
  }

  #repeat(deliver: () => void): void {
    for (let count = this.#random.integer(2, 4); count > 0; count--) deliver();
  }

  #damaged(payload: Uint8Array): Uint8Array {
    if (payload.length === 0) return payload;
    if (this.#random.bool(0.2)) return payload.subarray(0, this.#random.integer(0, payload.length - 1));
    const place = this.#random.integer(0, payload.length - 1);
    return payload.with(place, (payload[place] ?? 0) ^ (1 << this.#random.integer(0, 7)));
  }

  #pick<T>(things: readonly T[]): T {
    const thing = things[this.#random.integer(0, things.length - 1)];
    if (thing === undefined) throw new RangeError("there is nothing to pick from");
    return thing;
  }
}
