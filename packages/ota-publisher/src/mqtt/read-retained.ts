import { setTimeout as delay } from "node:timers/promises";
import { equalBytes } from "@tinybms/ota-core";
import type { BrokerConnection, BrokerMessage } from "./connection.ts";

/** How long to wait for the next retained message, and at most for all of a batch, after SUBACK, in milliseconds. */
const SETTLE_MS = 100;
const SETTLE_MS_MAX = 5_000;

/** How often to read back messages that a broker should retain. */
const READ_BACKS_MAX = 10;

/** How many topics to read at once: far fewer than the messages that a broker queues for a client, often 1 000. */
const BATCH_SIZE = 256;

/**
 * Reads the retained messages on some topics.
 *
 * Brokers send retained messages after SUBACK, but MQTT does not mark the last one. So this function subscribes twice:
 * the second SUBACK follows the messages, except for delays in the broker: then it waits until no more come. It ignores
 * messages without the RETAIN flag, which are published now and may not be retained.
 *
 * @param topics - Topics without wildcards.
 * @returns The retained message of each topic that has one; `undefined` if the connection was lost or the signal was
 *   aborted before all had arrived.
 */
export async function readRetained(
  connection: BrokerConnection,
  topics: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Uint8Array> | undefined> {
  const filters = new Set(topics);
  const messages = new Map<string, Uint8Array>();
  const onMessage = ({ topic, payload, retained }: BrokerMessage): void => {
    if (retained && filters.has(topic)) messages.set(topic, payload);
  };
  const cut = new AbortController();
  const end = (): void => cut.abort();
  const isCut = new Promise<false>((resolve) => {
    cut.signal.addEventListener("abort", () => resolve(false), { once: true });
  });
  const read = async (): Promise<boolean> => {
    const all = [...filters];
    for (let at = 0; at < all.length && !cut.signal.aborted; at += BATCH_SIZE) {
      const batch = all.slice(at, at + BATCH_SIZE);
      await connection.subscribe(batch);
      await connection.subscribe(batch);
      await untilQuiet(connection, ({ topic, retained }) => retained && filters.has(topic));
      await connection.unsubscribe(batch);
    }
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

/**
 * Waits until none of some messages has come for 100 ms. A busy broker or machine sends retained messages late, but then one
 * after the other.
 */
export function untilQuiet(
  connection: Pick<BrokerConnection, "on" | "off">,
  isCounted: (message: BrokerMessage) => boolean,
): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      connection.off("message", onMessage);
      clearTimeout(limit);
      resolve();
    };
    const quiet = setTimeout(end, SETTLE_MS);
    const limit = setTimeout(() => {
      clearTimeout(quiet);
      end();
    }, SETTLE_MS_MAX);
    const onMessage = (message: BrokerMessage): void => {
      if (isCounted(message)) quiet.refresh();
    };
    connection.on("message", onMessage);
  });
}

/**
 * Reads retained messages repeatedly until the broker returns all expected ones.
 *
 * @param expected - Published payloads by topic.
 * @param isDecided - Returns `true` if the messages found so far are sufficient.
 * @returns The retained message of each topic after the last read; `undefined` as in {@link readRetained}.
 */
export async function readBack(
  connection: BrokerConnection,
  expected: ReadonlyMap<string, Uint8Array>,
  signal: AbortSignal,
  isDecided: (found: ReadonlyMap<string, Uint8Array>) => boolean = () => false,
): Promise<ReadonlyMap<string, Uint8Array> | undefined> {
  for (let attempt = 1; ; attempt++) {
    const found = await readRetained(connection, [...expected.keys()], signal);
    if (found === undefined || attempt === READ_BACKS_MAX) return found;
    if (missingOf(expected, found).length === 0 || isDecided(found)) return found;
    await delay(SETTLE_MS * attempt, undefined, { signal }).catch(() => undefined);
  }
}

/** Returns the topics whose retained message is missing or differs from the expected one. */
export function missingOf(
  expected: ReadonlyMap<string, Uint8Array>,
  found: ReadonlyMap<string, Uint8Array>,
): readonly string[] {
  return [...expected]
    .filter(([topic, payload]) => {
      const there = found.get(topic);
      return there === undefined || !equalBytes(there, payload);
    })
    .map(([topic]) => topic);
}
