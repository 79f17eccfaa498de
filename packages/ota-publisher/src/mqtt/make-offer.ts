import { randomBytes } from "node:crypto";
import {
  advanceKeySet,
  type Envelope,
  equalBytes,
  isOtaError,
  type OfferDocument,
  OtaError,
  parseEnvelope,
  parseOffer,
  toHex,
  topicsOf,
  verifySignature,
} from "@tinybms/ota-core";
import { buildOfferPayload, type DeliveryTarget, offerTopicsOf } from "../offer.ts";
import { nextCounter, type OfferCounter, readCounter, recordCounter } from "../sequence.ts";
import { currentKeys, isTrustedOffer, type OfferSigning, sealOffer } from "../signing/offer-signing.ts";
import type { BrokerConnection } from "./connection.ts";
import { readRetained } from "./retained-messages.ts";

/** An offer that is to be made. */
export interface OfferPlan {
  /** The channel's topic. */
  readonly topicRoot: string;
  readonly target: DeliveryTarget;
  /** What is offered; `null` withdraws what was offered before. */
  readonly release: Envelope | null;
  readonly signing: OfferSigning;
  /** How many devices will ask for the image; `undefined` if nobody knows. */
  readonly expectedCount: number | undefined;
  /** Where the counters of our own offers are recorded. */
  readonly sequenceFile: string;
  readonly timeoutMs: number;
}

/** Who is told what while an offer is made. */
export interface OfferWatch {
  readonly signal?: AbortSignal;
  /** The connection was lost, or is there again. */
  readonly onConnection?: (connected: boolean) => void;
  /** The broker keeps an offer of the current epoch or a later one that no trusted key has signed. */
  readonly onForeignOffer?: (offer: { readonly topic: string; readonly counter: OfferCounter }) => void;
}

/** An offer that is numbered, recorded and signed. It is not published yet. */
export interface MadeOffer {
  readonly id: string;
  readonly counter: OfferCounter;
  /** The payload of the offer topics. */
  readonly envelope: Uint8Array;
  /** What the broker kept before, and devices would count: the offers on the same topics. */
  readonly before: readonly OfferDocument[];
}

/**
 * Makes an offer: numbers it above those that the broker keeps, publishes the key sets that it lacks, so that devices
 * have them before the offer that counts under them, signs it and records its number.
 *
 * With a key set, an offer on the broker that no trusted key has signed is passed over: it can't move our count.
 *
 * @param check - Looks at what the broker keeps, and throws where no offer is to be made.
 * @throws {@link OtaError} `delivery/sequence-jump`, `delivery/connection-lost`, `delivery/broker-unreachable`;
 *   `signing/key-set-epoch` where the broker keeps a newer key set; `signing/…` where devices would not trust the offer;
 *   `manifest/unreadable` and `package/write-failed` for the record; the signal's reason.
 */
export async function makeOffer(
  connection: BrokerConnection,
  plan: OfferPlan,
  watch: OfferWatch,
  check: (before: readonly OfferDocument[]) => void = () => undefined,
): Promise<MadeOffer> {
  const { topicRoot, target, release, expectedCount, sequenceFile, signing } = plan;
  const deadline = AbortSignal.timeout(Math.ceil(plan.timeoutMs));
  const signal = watch.signal === undefined ? deadline : AbortSignal.any([watch.signal, deadline]);
  const retained = await retainedMessages(connection, plan, watch, signal);
  refuseOlderKeys(retained, plan);
  const before = offersOf(retained, plan, watch);
  check(before);
  await publishKeySets(connection, plan, retained, watch, signal);
  const epoch = currentKeys(signing)?.document.epoch;
  const counters = before.map((offer) => [offer.epoch, offer.sequence] as const);
  const counter = nextCounter(await readCounter(sequenceFile, topicRoot), counters, epoch);
  const id = toHex(randomBytes(16));
  const payload = buildOfferPayload(release, { id, topicRoot, counter, issuedAt: new Date(), target, expectedCount });
  const envelope = await sealOffer(payload, signing);
  await recordCounter(sequenceFile, topicRoot, counter);
  return { id, counter, envelope, before };
}

/**
 * Publishes a message that the broker is to keep, again where the connection was lost before it was acknowledged.
 *
 * @throws {@link OtaError} `delivery/connection-lost`, `delivery/broker-refused`; the reason of an interruption.
 */
export async function publishRetained(
  connection: BrokerConnection,
  topic: string,
  payload: Uint8Array,
  watch: OfferWatch,
  signal: AbortSignal,
): Promise<void> {
  while (!(await connection.publish(topic, payload, { qos: 1, retain: true }))) {
    if (connection.connected) throw connection.refusedError(`the message on ${topic}`);
    await connectedAgain(connection, watch, signal);
  }
}

/** Waits for a connection that was lost. @throws What `BrokerConnection.connectedAgain` throws; an interruption's reason. */
async function connectedAgain(
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

/** What the broker keeps, read anew when the connection was lost meanwhile: half of it would number an offer wrong. */
async function retainedMessages(
  connection: BrokerConnection,
  plan: OfferPlan,
  watch: OfferWatch,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const topics = [...offerTopics(plan), ...keyTopics(plan).keys()];
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
 * The topics of our key sets with what each is to hold, and that of the next, which is to hold nothing. The first is not
 * published: devices are provisioned with it, and take only what follows theirs.
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
  { topicRoot, signing }: OfferPlan,
  { onForeignOffer }: OfferWatch,
): OfferDocument | undefined {
  if (payload === undefined) return undefined;
  try {
    const envelope = parseEnvelope(payload);
    const offer = parseOffer(envelope.payload);
    if (offer.topic_root !== topicRoot) return undefined;
    if (isTrustedOffer(envelope, signing)) return offer;
    // One of an epoch before was trusted in its time.
    const isOld = offer.epoch < (currentKeys(signing)?.document.epoch ?? 0);
    if (!isOld) onForeignOffer?.({ topic, counter: [offer.epoch, offer.sequence] });
    return undefined;
  } catch (error) {
    if (isOtaError(error)) return undefined;
    throw error;
  }
}

/** Whoever has an older key set makes offers that no device would count any more. */
function refuseOlderKeys(retained: ReadonlyMap<string, Uint8Array>, plan: OfferPlan): void {
  const current = currentKeys(plan.signing);
  if (current === undefined) return;
  const found = current.document.epoch + 1;
  const message = retained.get(topicsOf(plan.topicRoot).keys(found));
  if (message === undefined) return;
  try {
    advanceKeySet(current, message, verifySignature);
  } catch (error) {
    // What doesn't follow from our own is nobody's key set.
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
  for (const [topic, message] of keyTopics(plan)) {
    const there = retained.get(topic);
    if (message === undefined || (there !== undefined && equalBytes(there, message))) continue;
    await publishRetained(connection, topic, message, watch, signal);
  }
}
