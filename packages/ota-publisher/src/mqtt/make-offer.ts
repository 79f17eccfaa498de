import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import {
  type CompetingOffer,
  equalBytes,
  isOtaError,
  type OfferDocument,
  OtaError,
  parseOffer,
  toHex,
  topicsOf,
} from "@tinybms/ota-core";
import { advanceKeySet, type Envelope, parseEnvelope, verifySignature } from "@tinybms/ota-core/signing";
import {
  buildOfferPayload,
  type InstallTerms,
  type OfferTarget,
  offerTopicsOf,
  releaseVersionOf,
} from "../offer-payload.ts";
import { type OfferCounter, takeCounter } from "../sequence.ts";
import { currentKeys, isTrustedOffer, type OfferSigning } from "../signing/offer-signing.ts";
import type { BrokerConnection } from "./connection.ts";
import { sealOfferParts } from "./offer-parts.ts";
import { missingOf, readBack, readRetained } from "./read-retained.ts";

/** How often to create an offer again because another publisher used its number. */
export const NUMBERS_MAX = 8;

/** Half of the longest first wait of {@link giveWay}, in milliseconds. */
const GIVE_WAY_MS = 100;

/** Plan of an offer. */
export interface OfferPlan {
  /** Topic of the channel. */
  readonly topicRoot: string;
  readonly target: OfferTarget;
  /** Offered release; `null` withdraws the previous offer. */
  readonly release: Envelope | null;
  readonly signing: OfferSigning;
  /** Number of devices that will request the image; `undefined` if unknown. */
  readonly expectedCount: number | undefined;
  readonly install?: InstallTerms | undefined;
  /** Path of the record of this publisher's offer counters. */
  readonly sequenceFile: string;
  readonly timeoutMs: number;
}

/** Receives the events while an offer is created. */
export interface OfferWatch {
  readonly signal?: AbortSignal;
  /** Called when the connection is lost or restored. */
  readonly onConnection?: (connected: boolean) => void;
  /** Called if the broker retains an offer of the current or a later epoch that no trusted key signed. */
  readonly onForeignOffer?: (offer: { readonly topic: string; readonly counter: OfferCounter }) => void;
}

/** An offer that is numbered, recorded and signed. It is not published yet. */
export interface MadeOffer {
  readonly id: string;
  readonly counter: OfferCounter;
  /** The payload of each offer topic. Several payloads if the list of devices is too long for one offer. */
  readonly envelopes: ReadonlyMap<string, Uint8Array>;
  /** What the broker kept before, and devices would count: the offers on the same topics. */
  readonly before: readonly OfferDocument[];
}

/**
 * Creates an offer: numbers it above the offers that the broker retains, publishes key sets that the broker lacks
 * (devices need them before the offer), signs the offer and records its number. With a key set, ignores offers on the
 * broker that no trusted key signed, so that they can't raise the counter.
 *
 * @param check - Checks the retained offers, and throws if no offer should be made.
 * @throws {@link OtaError} `delivery/sequence-jump`, `delivery/connection-lost`, `delivery/broker-unreachable`;
 *   `delivery/not-acknowledged` and `delivery/not-retained` for a key set; `signing/key-set-epoch` where the broker
 *   keeps a newer key set; `signing/…` where devices would not trust the offer; `protocol/too-large` where it has no
 *   room in a message; `manifest/unreadable` and `package/write-failed` for the record; the signal's reason.
 */
export async function makeOffer(
  connection: BrokerConnection,
  plan: OfferPlan,
  watch: OfferWatch,
  check: (before: readonly OfferDocument[]) => void = () => undefined,
): Promise<MadeOffer> {
  const { topicRoot, target, release, expectedCount, install, sequenceFile, signing } = plan;
  const deadline = AbortSignal.timeout(Math.ceil(plan.timeoutMs));
  const signal = watch.signal === undefined ? deadline : AbortSignal.any([watch.signal, deadline]);
  const topics = [...offerTopics(plan), ...keyTopics(plan).keys()];
  const retained = await retainedMessages(connection, topics, watch, signal);
  assertCurrentKeys(retained, plan);
  const before = offersOf(retained, plan, watch);
  check(before);
  await publishKeySets(connection, plan, retained, watch, signal);
  const epoch = currentKeys(signing)?.document.epoch;
  const counter = await takeCounter(sequenceFile, {
    topicRoot,
    retained: before.map((offer) => [offer.epoch, offer.sequence] as const),
    keyEpoch: epoch,
    signal,
  });
  const id = toHex(randomBytes(16));
  const parts = { id, topicRoot, counter, issuedAt: new Date(), expectedCount, install };
  const payloadFor = (part: OfferTarget): Uint8Array => buildOfferPayload(release, { ...parts, target: part });
  return { id, counter, envelopes: await sealOfferParts(topicRoot, target, payloadFor, signing), before };
}

/**
 * Publishes a retained message. Publishes it again if the connection was lost before the acknowledgement.
 *
 * @throws {@link OtaError} `delivery/connection-lost`, `delivery/broker-refused`, `delivery/not-acknowledged`; the
 *   reason of an interruption.
 */
export async function publishRetained(
  connection: BrokerConnection,
  topic: string,
  payload: Uint8Array,
  watch: OfferWatch,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const end = await untilAborted(connection.publish(topic, payload, { qos: 1, retain: true }), signal);
    if (end === "acknowledged") return;
    watch.signal?.throwIfAborted();
    if (end === "silent" || (end === undefined && connection.connected)) throw connection.unacknowledgedError([topic]);
    if (end === "refused") throw connection.refusedMessageError(topic);
    await connectedAgain(connection, watch, signal);
  }
}

/** Returns the result of `work`; `undefined` if the signal is aborted first. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const settled = new AbortController();
  const aborted = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true, signal: settled.signal });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    settled.abort();
  }
}

/**
 * Waits before an offer is created again because its number is in use. The other publisher may do the same: the random
 * waits let one of them go first, and the other one sees the result.
 *
 * @param attempt - Number of attempts so far, from 1.
 */
export async function giveWay(attempt: number, signal: AbortSignal | undefined): Promise<void> {
  const delayMs = Math.random() * GIVE_WAY_MS * 2 ** attempt;
  await delay(delayMs, undefined, { signal }).catch(() => undefined);
  signal?.throwIfAborted();
}

/**
 * Waits for a connection that was lost. @throws What `BrokerConnection.connectedAgain` throws; an interruption's
 * reason.
 */
export async function connectedAgain(
  connection: BrokerConnection,
  { signal: interrupt, onConnection }: OfferWatch,
  signal: AbortSignal,
): Promise<void> {
  onConnection?.(false);
  try {
    await connection.connectedAgain(signal);
  } catch (error) {
    interrupt?.throwIfAborted();
    throw error;
  }
  onConnection?.(true);
}

/**
 * Reads the retained messages of some topics. Reads all of them again if the connection was lost: a part would give a wrong
 * number.
 *
 * @throws {@link OtaError} `delivery/broker-unreachable` if the broker does not answer; as {@link connectedAgain}.
 */
export async function retainedMessages(
  connection: BrokerConnection,
  topics: readonly string[],
  watch: OfferWatch,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Uint8Array>> {
  for (;;) {
    const messages = await readRetained(connection, topics, signal);
    if (messages !== undefined) return messages;
    watch.signal?.throwIfAborted();
    if (signal.aborted && connection.connected) throw connection.silentError();
    await connectedAgain(connection, watch, signal);
  }
}

function offerTopics({ topicRoot, target }: OfferPlan): readonly string[] {
  return [...offerTopicsOf(topicRoot, "all"), ...offerTopicsOf(topicRoot, target)];
}

/**
 * Returns the topics of the key sets with their messages, and the topic of the next key set, which must be empty. The
 * first key set is not published: devices are provisioned with it, and accept only later ones.
 */
function keyTopics({ topicRoot, signing }: OfferPlan): ReadonlyMap<string, Uint8Array | undefined> {
  const topics = topicsOf(topicRoot);
  const current = currentKeys(signing);
  if (current === undefined) return new Map();
  const ours = signing.keySets
    .slice(1)
    .map(({ keys, message }) => [topics.keys(keys.document.epoch), message] as const);
  return new Map<string, Uint8Array | undefined>([...ours, [topics.keys(current.document.epoch + 1), undefined]]);
}

function offersOf(
  retained: ReadonlyMap<string, Uint8Array>,
  plan: OfferPlan,
  watch: OfferWatch,
): readonly OfferDocument[] {
  const topics = new Set(offerTopics(plan));
  return [...topics].flatMap((topic) => offerOf(topic, retained.get(topic), plan, watch) ?? []);
}

function offerOf(
  topic: string,
  payload: Uint8Array | undefined,
  plan: OfferPlan,
  { onForeignOffer }: OfferWatch,
): OfferDocument | undefined {
  if (payload === undefined) return undefined;
  const read = readOffer(payload, plan);
  if (read === undefined || read.isTrusted) return read?.offer;
  const { epoch, sequence } = read.offer;
  // An offer of an earlier epoch may have been trusted then.
  const isOld = epoch < (currentKeys(plan.signing)?.document.epoch ?? 0);
  if (!isOld) onForeignOffer?.({ topic, counter: [epoch, sequence] });
  return undefined;
}

/** Parses an offer. Returns `undefined` if no device on this topic could read it. */
export function readOffer(
  payload: Uint8Array,
  { topicRoot, signing }: Pick<OfferPlan, "topicRoot" | "signing">,
): { readonly offer: OfferDocument; readonly isTrusted: boolean } | undefined {
  try {
    const envelope = parseEnvelope(payload);
    const offer = parseOffer(envelope.payload);
    if (offer.topic_root !== topicRoot) return undefined;
    return { offer, isTrusted: isTrustedOffer(envelope, signing) };
  } catch (error) {
    if (isOtaError(error)) return undefined;
    throw error;
  }
}

/** Parses an offer that may replace this publisher's. Returns `undefined` if devices would not accept it. */
export function competingOffer(
  payload: Uint8Array,
  plan: Pick<OfferPlan, "topicRoot" | "signing">,
): CompetingOffer | undefined {
  const read = readOffer(payload, plan);
  if (read?.isTrusted !== true) return undefined;
  const { id, epoch, sequence, release, target } = read.offer;
  const version = release === null ? undefined : (releaseVersionOf(read.offer) ?? "?");
  return { id, counter: [epoch, sequence], version, isForAll: target === "all" };
}

/** Checks that the broker has no newer key set: devices would not accept offers under an older one. */
function assertCurrentKeys(retained: ReadonlyMap<string, Uint8Array>, plan: OfferPlan): void {
  const current = currentKeys(plan.signing);
  if (current === undefined) return;
  const found = current.document.epoch + 1;
  const message = retained.get(topicsOf(plan.topicRoot).keys(found));
  if (message === undefined) return;
  try {
    advanceKeySet(current, message, verifySignature);
  } catch (error) {
    // Not a valid successor of the current key set.
    if (isOtaError(error)) return;
    throw error;
  }
  const text = `the broker keeps key set ${found}, signed as it must be; the key sets at hand end with ${found - 1}`;
  const hint = "fetch the newer key sets: whoever made them keeps them with the release line";
  throw new OtaError("signing/key-set-epoch", text, { expected: found, found: found - 1 }, { hint });
}

async function publishKeySets(
  connection: BrokerConnection,
  plan: OfferPlan,
  retained: ReadonlyMap<string, Uint8Array>,
  watch: OfferWatch,
  signal: AbortSignal,
): Promise<void> {
  const published = new Map<string, Uint8Array>();
  for (const [topic, message] of keyTopics(plan)) {
    const there = retained.get(topic);
    if (message === undefined || (there !== undefined && equalBytes(there, message))) continue;
    await publishRetained(connection, topic, message, watch, signal);
    published.set(topic, message);
  }
  if (published.size === 0) return;
  const found = await readBack(connection, published, signal);
  watch.signal?.throwIfAborted();
  // After a lost connection it is unknown what the broker retains.
  const missing = found === undefined ? [] : missingOf(published, found);
  if (missing.length > 0) throw connection.notRetainedError(missing);
}
