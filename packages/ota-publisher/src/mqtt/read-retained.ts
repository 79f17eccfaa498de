import { setTimeout as delay } from "node:timers/promises";
import { equalBytes } from "@tinybms/ota-core";
import type { BrokerConnection, BrokerMessage } from "./connection.ts";

/** How long retained messages may come after the broker acknowledged a second subscription, in milliseconds. */
const SETTLE_MS = 100;

/** So often a broker is asked for what it was told to retain. */
const READ_BACKS_MAX = 10;

/**
 * What a broker keeps on some topics.
 *
 * Brokers send retained messages after SUBACK, and MQTT tells nobody when they have sent the last. They go out on the
 * same connection as the answer to a second subscription, give or take what the broker does in between. Messages without
 * the retain flag are not among them: somebody publishes them now, and the broker may keep none.
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
  const onMessage = ({ topic, payload, retained }: BrokerMessage): void => {
    if (retained && filters.includes(topic)) messages.set(topic, payload);
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

/**
 * Asks a broker for what it was told to retain, until it gives everything back.
 *
 * @param expected - What was published, by topic.
 * @param isDecided - Whether what was found is enough to stop asking.
 * @returns What it keeps on each topic at the end; `undefined` as {@link readRetained}.
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

/** Topics on which a broker keeps something else than it was told to, or nothing. */
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
