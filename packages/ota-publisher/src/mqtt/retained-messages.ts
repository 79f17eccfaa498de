import { setTimeout as delay } from "node:timers/promises";
import type { BrokerConnection, BrokerMessage } from "./connection.ts";

/** How long retained messages may come after the broker acknowledged a second subscription, in milliseconds. */
const SETTLE_MS = 100;

/**
 * What a broker keeps on some topics.
 *
 * Brokers send retained messages after SUBACK, and MQTT tells nobody when they have sent the last. They go out on the
 * same connection as the answer to a second subscription, give or take what the broker does in between.
 *
 * @param topics - Without wildcards.
 * @returns The last message of each topic that has one; `undefined` if the connection was lost, or the signal aborted,
 *   before all were there.
 */
export async function readRetained(
  connection: BrokerConnection,
  topics: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Uint8Array> | undefined> {
  const filters = [...new Set(topics)];
  const messages = new Map<string, Uint8Array>();
  const onMessage = ({ topic, payload }: BrokerMessage): void => {
    if (filters.includes(topic)) messages.set(topic, payload);
  };
  const cut = new AbortController();
  const end = (): void => cut.abort();
  const isCut = new Promise<false>((resolve) => {
    cut.signal.addEventListener("abort", () => resolve(false), { once: true });
  });
  const read = async (): Promise<boolean> => {
    await connection.subscribe(filters);
    await connection.subscribe(filters);
    await delay(SETTLE_MS);
    await connection.unsubscribe(filters);
    return connection.connected;
  };
  connection.on("message", onMessage);
  connection.on("disconnected", end);
  signal.addEventListener("abort", end, { once: true });
  try {
    if (signal.aborted || !connection.connected) return undefined;
    return (await Promise.race([read(), isCut])) ? messages : undefined;
  } finally {
    connection.off("message", onMessage);
    connection.off("disconnected", end);
    signal.removeEventListener("abort", end);
  }
}
