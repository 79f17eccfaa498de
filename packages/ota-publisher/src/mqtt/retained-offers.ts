import { setTimeout as delay } from "node:timers/promises";
import { isOtaError, parseEnvelope, parseOffer } from "@tinybms/ota-core";
import { type DeliveryTarget, offerTopicsOf } from "../offer.ts";
import type { OfferCounter } from "../sequence.ts";
import type { BrokerConnection, BrokerMessage } from "./connection.ts";

/** How long retained messages may come after the broker acknowledged a second subscription, in milliseconds. */
const SETTLE_MS = 100;

/**
 * The counters of the offers that a broker keeps for the devices of a delivery: on the product's topic and on the own
 * topics of the named ones. What is no offer for this topic is passed over.
 *
 * Brokers send retained messages after SUBACK, and MQTT tells nobody when they have sent the last. They go out on the
 * same connection as the answer to a second subscription, give or take what the broker does in between.
 *
 * @returns `undefined` if the connection was lost, or the signal aborted, before all were there.
 */
export async function readRetainedCounters(
  connection: BrokerConnection,
  topicRoot: string,
  target: DeliveryTarget,
  signal: AbortSignal,
): Promise<readonly OfferCounter[] | undefined> {
  const topics = [...new Set([...offerTopicsOf(topicRoot, "all"), ...offerTopicsOf(topicRoot, target)])];
  const counters: OfferCounter[] = [];
  const onMessage = ({ topic, payload }: BrokerMessage): void => {
    const counter = topics.includes(topic) ? counterOf(payload, topicRoot) : undefined;
    if (counter !== undefined) counters.push(counter);
  };
  const cut = new AbortController();
  const end = (): void => cut.abort();
  const isCut = new Promise<false>((resolve) => {
    cut.signal.addEventListener("abort", () => resolve(false), { once: true });
  });
  const read = async (): Promise<boolean> => {
    await connection.subscribe(topics);
    await connection.subscribe(topics);
    await delay(SETTLE_MS);
    await connection.unsubscribe(topics);
    return connection.connected;
  };
  connection.on("message", onMessage);
  connection.on("disconnected", end);
  signal.addEventListener("abort", end, { once: true });
  try {
    if (signal.aborted || !connection.connected) return undefined;
    return (await Promise.race([read(), isCut])) ? counters : undefined;
  } finally {
    connection.off("message", onMessage);
    connection.off("disconnected", end);
    signal.removeEventListener("abort", end);
  }
}

function counterOf(payload: Uint8Array, topicRoot: string): OfferCounter | undefined {
  try {
    const offer = parseOffer(parseEnvelope(payload).payload);
    return offer.topic_root === topicRoot ? [offer.epoch, offer.sequence] : undefined;
  } catch (error) {
    if (isOtaError(error)) return undefined;
    throw error;
  }
}
