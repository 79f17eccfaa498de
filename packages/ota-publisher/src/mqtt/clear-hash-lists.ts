import { setTimeout as delay } from "node:timers/promises";
import { HashListSurvey, imageIdOf, type SurveyObstacle } from "@tinybms/ota-core";
import type { BrokerConnection, BrokerMessage } from "./connection.ts";
import { untilQuiet } from "./read-retained.ts";

/** How long to wait for retained messages that surely come, in milliseconds. */
const SETTLE_MS_MAX = 2_000;

/** Time between the two readings: in it, the offer of a publisher follows its hash list. In milliseconds. */
const BETWEEN_MS = 1_000;

/** Maximum duration, in milliseconds: a broker that answers no longer keeps nobody waiting. */
const CLEAR_MS_MAX = 10_000;

/** Options of {@link clearHashLists}. */
export interface ClearOptions {
  /** Topic of the channel. */
  readonly topicRoot: string;
  /** SHA-256 of the image that was delivered; `undefined` after a withdrawal. */
  readonly imageSha256?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Result of {@link clearHashLists}. */
export type ClearedHashLists =
  | { readonly type: "cleared"; readonly count: number }
  /** The broker does not let this publisher read all offers, or the connection was lost. */
  | { readonly type: "not-read" }
  | { readonly type: SurveyObstacle };

/**
 * Clears the retained hash lists that no retained offer names, once a delivery has ended. Never throws: lists that are left
 * cost the broker some memory, and the next delivery clears them.
 *
 * Publishers that serve an image publish its hash list again when it is cleared.
 */
export async function clearHashLists(
  connection: BrokerConnection,
  { topicRoot, imageSha256, signal }: ClearOptions,
): Promise<ClearedHashLists> {
  const survey = new HashListSurvey(topicRoot, imageSha256 === undefined ? undefined : imageIdOf(imageSha256));
  const cut = new AbortController();
  const end = (): void => cut.abort();
  const signals = [cut.signal, AbortSignal.timeout(CLEAR_MS_MAX), ...(signal === undefined ? [] : [signal])];
  const ended = AbortSignal.any(signals);
  const onMessage = ({ topic, payload, retained }: BrokerMessage): void => survey.take(topic, payload, retained);
  const isCut = new Promise<ClearedHashLists>((resolve) => {
    ended.addEventListener("abort", () => resolve({ type: "not-read" }), { once: true });
  });
  connection.on("message", onMessage);
  connection.on("disconnected", end);
  try {
    if (ended.aborted || !connection.connected) return { type: "not-read" };
    return await Promise.race([surveyAndClear(connection, survey, ended), isCut]);
  } finally {
    end();
    connection.off("message", onMessage);
    connection.off("disconnected", end);
  }
}

async function surveyAndClear(
  connection: BrokerConnection,
  survey: HashListSurvey,
  ended: AbortSignal,
): Promise<ClearedHashLists> {
  // Asked once: a broker whose access control refuses it will refuse it again.
  const read = async (filters: string[], isComplete: () => boolean = () => true): Promise<boolean> => {
    if (ended.aborted || !(await connection.subscribe(filters, 1, 1))) return false;
    const until = performance.now() + SETTLE_MS_MAX;
    do await untilQuiet(connection, ({ retained }) => retained);
    while (!isComplete() && !ended.aborted && performance.now() < until);
    return isComplete() && !ended.aborted;
  };
  if (!(await read([survey.listFilter], () => survey.isAnswered))) return { type: "not-read" };
  if (survey.candidates.length === 0) return { type: "cleared", count: 0 };
  if (!(await read(survey.offerFilters))) return { type: "not-read" };
  if (survey.obstacle !== undefined) return { type: survey.obstacle };
  if (survey.candidates.length === 0) return { type: "cleared", count: 0 };
  await delay(BETWEEN_MS, undefined, { signal: ended }).catch(() => undefined);
  survey.readAgain();
  // In this order: a broker that had no room for the offers has none for the lists behind them.
  if (!(await read(survey.offerFilters)) || !(await read(survey.candidates, () => survey.isFoundAgain)))
    return { type: "not-read" };
  let count = 0;
  for (const topic of survey.unnamed()) {
    // An offer may have come since.
    if (ended.aborted || !survey.unnamed().includes(topic)) continue;
    if ((await connection.publish(topic, new Uint8Array(), { qos: 1, retain: true })) === "acknowledged") count++;
  }
  return survey.obstacle === undefined ? { type: "cleared", count } : { type: survey.obstacle };
}

/** Describes what became of hash lists that no offer names, for `--verbose`; `undefined` if there were none. */
export function hashListsText(result: ClearedHashLists): string | undefined {
  switch (result.type) {
    case "cleared":
      return result.count === 0 ? undefined : `hash lists that no offer names: ${result.count} cleared`;
    case "not-read":
      return "hash lists that no offer names stay: the broker does not let this publisher read all offers";
    case "unreadable-offer":
      return "hash lists that no offer names stay: an offer on the broker can't be read, and may name any";
    case "too-many-offers":
      return "hash lists that no offer names stay: there are too many offers to read them all";
  }
}
