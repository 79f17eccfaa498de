import type { LinkFaults } from "../fault/link-faults.ts";
import { DeliveryQueue, wireSize } from "./delivery-queue.ts";
import type { BrokerClient, InMemoryBroker, InMemoryMessage, Will } from "./in-memory-broker.ts";
import type { LineOptions, NetworkCounts, NetworkEvent } from "./network-options.ts";

/** Runs an action after a number of milliseconds. */
export type Schedule = (delayMs: number, action: () => void) => void;

/** What a client hears of its connection. */
export interface LinkListener {
  /**
   * Receives a message.
   *
   * @param handled - Call it once the software is done with the message: then it is acknowledged, and its bytes no longer
   *   count against the receive window. `undefined` if nothing waits for that.
   */
  receive(message: InMemoryMessage, handled: (() => void) | undefined): void;
  /** Called when the connection ends without {@link Link.disconnect} or {@link Link.vanish}. */
  ended?(): void;
}

/** Options of a {@link Link}. */
export interface LinkOptions {
  readonly broker: InMemoryBroker;
  readonly schedule: Schedule;
  readonly now: () => number;
  readonly line: LineOptions;
  readonly counts: NetworkCounts;
  readonly faults?: LinkFaults | undefined;
  /** Called for each event of the connection. */
  readonly observe?: ((event: NetworkEvent) => void) | undefined;
  /** Client identifier; without one, no connection is taken over. */
  readonly clientId?: string | undefined;
}

/** One connection: the broker's view of the client, its queue, and the state of the wire. */
interface Connection extends BrokerClient {
  readonly queue: DeliveryQueue;
  readonly listener: LinkListener;
  isSending: boolean;
  /** Bytes sent to the client that its software has not handled. */
  unhandledBytes: number;
}

/**
 * A client's connection to the broker. It delays messages, keeps their order, and loses, duplicates or delays them as its
 * faults say. The broker's queue for the client, the bandwidth and the receive window limit what arrives.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #line: LineOptions;
  readonly #counts: NetworkCounts;
  /** Messages need no acknowledgment to make room for others. */
  readonly #isUnlimited: boolean;
  #connection: Connection | undefined;
  /** When everything published so far has left, for a limited bandwidth. */
  #sentAt = 0;
  #isFrozen = false;
  #freezes = 0;
  /** What arrives at either end once the partition is over, in order. */
  #held: (() => void)[] = [];

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#line = options.line;
    this.#counts = options.counts;
    const { receiveBytes, limits } = options.line;
    this.#isUnlimited = receiveBytes === 0 && limits.inFlightMax === 0;
  }

  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** `true` during a partition. */
  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  /** Messages that wait for this client at the broker. */
  get queued(): number {
    return this.#connection?.queue.size ?? 0;
  }

  /** Connects. @returns `false` if the broker can't be reached. */
  connect(will: Will | undefined, listener: LinkListener): boolean {
    this.disconnect(false);
    const { broker, clientId } = this.#options;
    if (this.#isFrozen || !broker.isUp) {
      this.#counts.refused++;
      return false;
    }
    const connection: Connection = {
      id: clientId,
      will,
      listener,
      queue: new DeliveryQueue(this.#line.limits),
      isSending: false,
      unhandledBytes: 0,
      deliver: (message) => this.#enqueue(connection, message),
      closed: () => this.#after(this.#line.latencyMs, () => this.#end(connection)),
    };
    this.#connection = connection;
    this.#sentAt = 0;
    this.#counts.connections++;
    this.#options.observe?.({ type: "connect" });
    if (broker.connect(connection)) this.#counts.takeovers++;
    return true;
  }

  /** Ends the connection. Published messages still arrive, followed by the will if the end is not clean. */
  disconnect(clean: boolean): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection === undefined) return;
    this.#options.observe?.({ type: "end" });
    if (this.#isFrozen) return this.#endUnheard(connection);
    const leavesMs = Math.max(0, this.#sentAt - this.#options.now());
    this.#after(leavesMs + this.#line.latencyMs, () => this.#options.broker.disconnect(connection, clean));
  }

  /** Ends the connection without a word, as a client without power: the broker notices by the keep-alive. */
  vanish(): void {
    if (this.#line.keepAliveMs === 0) return this.disconnect(false);
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection === undefined) return;
    this.#options.observe?.({ type: "end" });
    this.#endUnheard(connection);
  }

  /** Begins a partition: nothing arrives at either end until {@link thaw}. TCP then delivers what it held. */
  freeze(): void {
    if (this.#isFrozen) return;
    this.#isFrozen = true;
    this.#counts.partitions++;
    const freeze = ++this.#freezes;
    const connection = this.#connection;
    const { keepAliveMs } = this.#line;
    if (connection === undefined || keepAliveMs === 0) return;
    const ifStillFrozen = (action: () => void) => () => {
      if (this.#isFrozen && this.#freezes === freeze) action();
    };
    this.#options.schedule(
      keepAliveMs,
      ifStillFrozen(() => {
        if (this.#connection === connection) this.#counts.keepAliveEnds++;
        this.#end(connection);
      }),
    );
    this.#options.schedule(
      1.5 * keepAliveMs,
      ifStillFrozen(() => this.#dropSilent(connection)),
    );
  }

  /** Ends a partition. */
  thaw(): void {
    this.#isFrozen = false;
    const held = this.#held;
    this.#held = [];
    for (const arrive of held) arrive();
    if (this.#connection !== undefined) this.#send(this.#connection);
  }

  /** Publishes a message. @param onArrived - Called when it is acknowledged (QoS 1) or has left (QoS 0), if it is. */
  publish(topic: string, payload: Uint8Array, retain: boolean, qos: 0 | 1 = 1, onArrived?: () => void): void {
    const connection = this.#connection;
    if (connection === undefined) {
      this.#counts.offline++;
      return;
    }
    this.#counts.published++;
    this.#observe("publish", { topic, payload });
    const { latencyMs, bytesPerSecond } = this.#line;
    const now = this.#options.now();
    if (bytesPerSecond > 0) {
      this.#sentAt = Math.max(now, this.#sentAt) + (wireSize({ topic, payload }) * 1_000) / bytesPerSecond;
    }
    const leavesMs = Math.max(0, this.#sentAt - now);
    for (const lateMs of this.#deliveryDelays({ topic, payload })) {
      this.#after(leavesMs + latencyMs + lateMs, () => {
        const { broker } = this.#options;
        if (broker.isConnected(connection)) broker.publish(topic, payload, retain, qos);
      });
    }
    if (onArrived === undefined) return;
    this.#after(qos === 0 ? leavesMs : leavesMs + 2 * latencyMs, () => {
      if (this.#connection === connection) onArrived();
    });
  }

  subscribe(filter: string): void {
    this.#whileConnected((client) => this.#options.broker.subscribe(client, filter));
  }

  unsubscribe(filter: string): void {
    this.#whileConnected((client) => this.#options.broker.unsubscribe(client, filter));
  }

  #whileConnected(action: (client: BrokerClient) => void): void {
    const connection = this.#connection;
    if (connection === undefined) {
      this.#counts.offline++;
      return;
    }
    const leavesMs = Math.max(0, this.#sentAt - this.#options.now());
    this.#after(leavesMs + this.#line.latencyMs, () => action(connection));
  }

  /** Takes a message for the client into the broker's queue. */
  #enqueue(connection: Connection, message: InMemoryMessage): void {
    const { queue } = connection;
    if (!queue.push(message)) {
      this.#counts.dropped++;
      this.#observe("drop", message);
      return;
    }
    this.#send(connection);
    this.#counts.queuedMax = Math.max(this.#counts.queuedMax, queue.size);
    this.#counts.queuedBytesMax = Math.max(this.#counts.queuedBytesMax, queue.bytes);
  }

  /** Sends what bandwidth and receive window let through. */
  #send(connection: Connection): void {
    const { receiveBytes, bytesPerSecond } = this.#line;
    while (!connection.isSending && !this.#isFrozen && this.#connection === connection) {
      if (receiveBytes > 0 && connection.unhandledBytes >= receiveBytes) return;
      const message = connection.queue.take();
      if (message === undefined) return;
      const size = wireSize(message);
      connection.unhandledBytes += size;
      if (bytesPerSecond === 0) {
        this.#carry(connection, message, size);
        continue;
      }
      connection.isSending = true;
      this.#options.schedule((size * 1_000) / bytesPerSecond, () => {
        connection.isSending = false;
        this.#carry(connection, message, size);
        this.#send(connection);
      });
    }
  }

  /** Carries a message over the wire to the client. */
  #carry(connection: Connection, message: InMemoryMessage, size: number): void {
    const handled = this.#isUnlimited ? undefined : this.#onceHandled(connection, message, size);
    const delays = this.#deliveryDelays(message);
    if (delays.length === 0) handled?.();
    for (const lateMs of delays) {
      this.#after(this.#line.latencyMs + lateMs, () => {
        if (this.#connection !== connection) return;
        this.#observe("deliver", message);
        this.#counts.delivered++;
        this.#counts.bytesDelivered += size;
        connection.listener.receive(message, handled);
      });
    }
  }

  /** Returns what the client calls once a message is handled: its acknowledgment makes room for others. */
  #onceHandled(connection: Connection, { qos }: InMemoryMessage, size: number): () => void {
    let isHandled = false;
    return () => {
      if (isHandled) return;
      isHandled = true;
      this.#after(this.#line.latencyMs, () => {
        connection.unhandledBytes -= size;
        if (qos === 1) connection.queue.acknowledge();
        this.#send(connection);
      });
    };
  }

  /** Ends a connection whose end the client notices. */
  #end(connection: Connection): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#options.observe?.({ type: "end" });
    connection.listener.ended?.();
  }

  /** Lets the broker notice by the keep-alive that a client is gone. */
  #endUnheard(connection: Connection): void {
    this.#options.schedule(1.5 * this.#line.keepAliveMs, () => this.#dropSilent(connection));
  }

  #dropSilent(connection: Connection): void {
    if (this.#options.broker.drop(connection)) this.#counts.keepAliveEnds++;
  }

  /** Runs an action when something arrives; after a partition if there is one. */
  #after(delayMs: number, arrive: () => void): void {
    this.#options.schedule(delayMs, () => {
      if (this.#isFrozen) this.#held.push(arrive);
      else arrive();
    });
  }

  #observe(type: NetworkEvent["type"], message: Pick<InMemoryMessage, "topic" | "payload">): void {
    this.#options.observe?.({ type, topic: message.topic, bytes: wireSize(message) });
  }

  #deliveryDelays(message: Pick<InMemoryMessage, "topic" | "payload">): readonly number[] {
    const delays = this.#options.faults?.deliveryDelays(message.topic);
    if (delays === undefined) return NO_DELAY;
    if (delays.length === 0) {
      this.#counts.lost++;
      this.#observe("lose", message);
    }
    if (delays.length > 1) this.#counts.duplicated++;
    if (delays.some((delay) => delay > 0)) this.#counts.delayed++;
    return delays;
  }
}

const NO_DELAY: readonly number[] = [0];
