import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import type { BrokerConnection, ConnectionEvents } from "./connection.ts";
import { readRetained } from "./read-retained.ts";

const TOPICS = Array.from({ length: 8 }, (_, index) => `topic-${index}`);

/** A connection to a broker that acknowledges subscriptions at once, and takes its time for what it retains. */
class SlowConnection extends EventEmitter<ConnectionEvents> {
  readonly connected = true;
  #subscribed: readonly string[] = [];

  async subscribe(topics: string[]): Promise<boolean> {
    const isFirst = this.#subscribed.length === 0;
    this.#subscribed = topics;
    if (isFirst) this.#send([...topics]);
    return true;
  }

  async unsubscribe(): Promise<boolean> {
    this.#subscribed = [];
    return true;
  }

  #send(topics: string[]): void {
    const [topic, ...rest] = topics;
    if (topic === undefined || !this.#subscribed.includes(topic)) return;
    this.emit("message", { topic, payload: new Uint8Array([1]), retained: true });
    setTimeout(() => this.#send(rest), 50);
  }
}

test("reads all retained messages of a broker that sends one every 50 ms after its acknowledgement", async () => {
  const connection = new SlowConnection() as unknown as BrokerConnection;
  const found = await readRetained(connection, TOPICS, new AbortController().signal);
  expect([...(found?.keys() ?? [])]).toEqual(TOPICS);
  expect(connection.listenerCount("message")).toBe(0);
});
