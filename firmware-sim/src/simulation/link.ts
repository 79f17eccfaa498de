import type { LinkFaults } from "../fault/link-faults.ts";
import type { BrokerClient, InMemoryBroker, InMemoryMessage, Will } from "./in-memory-broker.ts";

/** Runs an action after a number of milliseconds. */
export type Schedule = (delayMs: number, action: () => void) => void;

/**
 * A client's connection to the broker. It delays messages, keeps their order, and loses, duplicates or delays them as its
 * faults say. After its end it delivers nothing.
 */
export class Link {
  readonly #broker: InMemoryBroker;
  readonly #schedule: Schedule;
  readonly #latencyMs: number;
  readonly #faults: LinkFaults | undefined;
  #client: BrokerClient | undefined;

  constructor(broker: InMemoryBroker, schedule: Schedule, latencyMs: number, faults?: LinkFaults) {
    this.#broker = broker;
    this.#schedule = schedule;
    this.#latencyMs = latencyMs;
    this.#faults = faults;
  }

  get isConnected(): boolean {
    return this.#client !== undefined;
  }

  /** Connects. @param receive - Called for each message of this connection. */
  connect(will: Will | undefined, receive: (message: InMemoryMessage) => void): void {
    this.disconnect(false);
    const client: BrokerClient = {
      will,
      deliver: (message) => {
        for (const lateMs of this.#deliveryDelays(message.topic)) {
          this.#schedule(this.#latencyMs + lateMs, () => {
            if (this.#client === client) receive(message);
          });
        }
      },
    };
    this.#client = client;
    this.#broker.connect(client);
  }

  /** Ends the connection. Published messages still arrive, followed by the will if the end is not clean. */
  disconnect(clean: boolean): void {
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) this.#schedule(this.#latencyMs, () => this.#broker.disconnect(client, clean));
  }

  /** Publishes a message. @param onArrived - Called when the broker has it, unless the connection ends before. */
  publish(topic: string, payload: Uint8Array, retain: boolean, onArrived?: () => void): void {
    for (const lateMs of this.#deliveryDelays(topic)) {
      this.#schedule(this.#latencyMs + lateMs, () => this.#broker.publish(topic, payload, retain));
    }
    const client = this.#client;
    this.#schedule(2 * this.#latencyMs, () => {
      if (client !== undefined && this.#client === client) onArrived?.();
    });
  }

  subscribe(filter: string): void {
    this.#whileConnected((client) => this.#broker.subscribe(client, filter));
  }

  unsubscribe(filter: string): void {
    this.#whileConnected((client) => this.#broker.unsubscribe(client, filter));
  }

  #whileConnected(action: (client: BrokerClient) => void): void {
    const client = this.#client;
    if (client !== undefined) this.#schedule(this.#latencyMs, () => action(client));
  }

  #deliveryDelays(topic: string): readonly number[] {
    return this.#faults?.deliveryDelays(topic) ?? [0];
  }
}
