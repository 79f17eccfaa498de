import type { LinkFaults } from "../fault/link-faults.ts";
import type { BrokerClient, BrokerMessage, InMemoryBroker, Will } from "./in-memory-broker.ts";

/** Does something so many milliseconds from now. */
export type Schedule = (delayMs: number, action: () => void) => void;

/**
 * One client's connection to the broker: takes time, keeps order, and loses, doubles or delays what its faults say.
 * A connection that ended delivers nothing more.
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

  /** Connects. @param receive - Gets the messages of this connection. */
  connect(will: Will | undefined, receive: (message: BrokerMessage) => void): void {
    this.disconnect(false);
    const client: BrokerClient = {
      will,
      deliver: (message) => {
        for (const lateMs of this.#fateOf(message.topic)) {
          this.#schedule(this.#latencyMs + lateMs, () => {
            if (this.#client === client) receive(message);
          });
        }
      },
    };
    this.#client = client;
    this.#broker.connect(client);
  }

  /** Ends the connection. What was published before still arrives, and then, if it broke off, the will. */
  disconnect(clean: boolean): void {
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) this.#schedule(this.#latencyMs, () => this.#broker.disconnect(client, clean));
  }

  /** @param onArrived - Called when the broker has the message; never if the connection ends before. */
  publish(topic: string, payload: Uint8Array, retain: boolean, onArrived?: () => void): void {
    for (const lateMs of this.#fateOf(topic)) {
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

  #fateOf(topic: string): readonly number[] {
    return this.#faults?.fateOf(topic) ?? [0];
  }
}
