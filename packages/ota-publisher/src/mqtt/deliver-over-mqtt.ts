import type { SkippedMessage } from "@tinybms/ota-broker/client";
import {
  type DeliveryOutcome,
  type DeviceProgress,
  isOtaError,
  type OtaError,
  Sender,
  type SenderOptions,
} from "@tinybms/ota-core";
import type { Envelope } from "@tinybms/ota-core/signing";
import { definedMembers } from "../defined-members.ts";
import type { ImageFile } from "../image-file.ts";
import { type DeliveryTarget, type InstallTerms, spreadMsOf } from "../offer-payload.ts";
import type { OfferCounter } from "../sequence.ts";
import type { OfferSigning } from "../signing/offer-signing.ts";
import type { BrokerAddress } from "./broker-url.ts";
import { carryOut } from "./carry-out.ts";
import { type ClearedHashLists, clearHashLists } from "./clear-hash-lists.ts";
import type { ConnectionOptions } from "./connect.ts";
import { type BrokerConnection, connectBroker } from "./connection.ts";
import { type FoundOffer, findOffer } from "./find-offer.ts";
import { competingOffer, giveWay, makeOffer, NUMBERS_MAX } from "./make-offer.ts";

/** Plan of a delivery: one image for some devices through one broker. */
export interface DeliveryPlan {
  readonly broker: BrokerAddress;
  readonly connection: Omit<ConnectionOptions, "signal" | "onRetry" | "onSkipped">;
  /** Topic of the channel. */
  readonly topicRoot: string;
  /** Release in the offer: the one that `package` signed, or the result of `unsignedRelease`. */
  readonly release: Envelope;
  /** Image of the release. */
  readonly image: ImageFile;
  readonly signing: OfferSigning;
  readonly target: DeliveryTarget;
  /** Devices that must succeed: the named ones, or a number of them; without both, all devices that answer. */
  readonly expected: { readonly devices?: readonly string[]; readonly count?: number };
  /** State that devices must reach. */
  readonly wait: "confirmed" | "downloaded" | "none";
  readonly timeoutMs: number;
  readonly install?: InstallTerms | undefined;
  /** Rate of chunks in bytes per second; 0 means no limit. */
  readonly rate: number;
  /** QoS of chunks. Chunks may arrive twice and in any order, so QoS 2 has no advantage. */
  readonly qos: 0 | 1;
  /** Path of the record of this publisher's offer counters. */
  readonly sequenceFile: string;
  /** Version of the offer to join; `undefined` to make one. */
  readonly join?: string | undefined;
}

/** Receives the events of a delivery. */
export interface DeliveryWatch {
  /** Ends the delivery. Devices keep the offer and the chunks that they have. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (device: DeviceProgress) => void;
  /** Called after each failed attempt to reach the broker. */
  readonly onRetry?: (fault: OtaError) => void;
  /** Called for the first message on each topic that is too large for it, and skipped. */
  readonly onSkipped?: (message: SkippedMessage) => void;
  /** Called if the broker retains an offer that no trusted key signed: another party publishes there. */
  readonly onForeignOffer?: (offer: { readonly topic: string; readonly counter: OfferCounter }) => void;
  /** Called after the delivery if its publisher looked for hash lists that no offer names. */
  readonly onHashLists?: (result: ClearedHashLists) => void;
  /** Called when the offer is being published. */
  readonly onOffer?: (offer: { readonly id: string; readonly counter: OfferCounter }) => void;
  /** Called when the connection is lost or restored. */
  readonly onConnection?: (connected: boolean) => void;
}

/** Ends of a delivery whose offer surely stands. */
const STANDING: readonly DeliveryOutcome["reason"][] = ["delivered", "offered", "device-failed"];

/** Maximum number of unacknowledged chunks: enough to fill a wide-area link, few enough to control the rate. */
const WINDOW = 32;

/**
 * Delivers an image: connects, numbers and publishes the offer, and answers devices' requests until every expected
 * device has ended, another offer replaces this one, or the time limit is reached. If another publisher used the same
 * number at the same time, makes the offer again with the next number.
 *
 * Then clears the hash lists that no offer names, unless the delivery failed.
 *
 * A plan with `join` makes no offer: it answers for the one that stands, and for the next one if that has the same image.
 * It clears nothing.
 *
 * @returns The outcome, also if devices failed or no device answered.
 * @throws {@link OtaError} `delivery/broker-unreachable`, `delivery/broker-refused`, `delivery/sequence-jump`,
 *   `delivery/not-offered` or `delivery/image-mismatch` where the offer to join does not stand,
 *   `delivery/connection-lost` if the connection was lost and is still away at the end; `delivery/not-acknowledged` and
 *   `delivery/not-retained` where the broker does not take or keep what rests on it; `signing/…` where devices would
 *   not trust the offer; `manifest/unreadable`, `package/locked` and `package/write-failed` for the record of
 *   sequences; the signal's reason if it is aborted before the offer is made.
 */
export async function deliverOverMqtt(plan: DeliveryPlan, watch: DeliveryWatch = {}): Promise<DeliveryOutcome> {
  const startedAt = performance.now();
  const { signal, onRetry, onSkipped } = watch;
  const connection = await connectBroker(plan.broker, {
    ...plan.connection,
    ...definedMembers({ signal, onRetry, onSkipped }),
  });
  try {
    const timeLeftMs = (): number => Math.max(1, plan.timeoutMs - (performance.now() - startedAt));
    const make = (): Promise<FoundOffer> => offerOf(connection, { ...plan, timeoutMs: timeLeftMs() }, watch);
    let offer = await make();
    for (let attempt = 1; ; attempt++) {
      watch.onOffer?.({ id: offer.id, counter: offer.counter });
      signal?.throwIfAborted();
      const outcome = await carryOut(senderOf(plan, offer, timeLeftMs()), connection, plan, watch);
      const { reason, topics = [] } = outcome;
      if (reason === "unacknowledged") throw connection.unacknowledgedError(topics);
      if (reason === "not-retained") throw connection.notRetainedError(topics);
      if (plan.join !== undefined) {
        if (reason !== "superseded" && reason !== "number-taken") return outcome;
        const next = await make().catch(noOffer);
        if (next === undefined || next.id === offer.id) return outcome;
        offer = next;
      } else if (reason !== "number-taken" || attempt === NUMBERS_MAX) {
        if (STANDING.includes(reason)) await clearLists(connection, plan, watch);
        return outcome;
      } else {
        await giveWay(attempt, signal);
        offer = await make();
      }
    }
  } finally {
    await connection.close();
  }
}

async function clearLists(
  connection: BrokerConnection,
  { topicRoot, image }: DeliveryPlan,
  { signal, onHashLists }: DeliveryWatch,
): Promise<void> {
  const result = await clearHashLists(connection, { topicRoot, imageSha256: image.sha256, signal });
  onHashLists?.(result);
}

/** Makes the offer of a plan, or finds the one that it joins. */
async function offerOf(connection: BrokerConnection, plan: DeliveryPlan, watch: DeliveryWatch): Promise<FoundOffer> {
  const expectedCount = countOf(plan);
  if (plan.join !== undefined) return findOffer(connection, { ...plan, version: plan.join }, watch);
  return { ...(await makeOffer(connection, { ...plan, expectedCount }, watch)), spreadMs: spreadMsOf(expectedCount) };
}

/** Returns `undefined` for an error which says that the offer that stands is not the one to join. */
function noOffer(error: unknown): undefined {
  if (isOtaError(error, "delivery/not-offered") || isOtaError(error, "delivery/image-mismatch")) return undefined;
  throw error;
}

function senderOf(plan: DeliveryPlan, { id, counter, envelopes, spreadMs }: FoundOffer, timeoutMs: number): Sender {
  return new Sender({
    topicRoot: plan.topicRoot,
    offerId: id,
    counter,
    ...publicationOf(envelopes),
    image: plan.image,
    readOffer: (payload) => competingOffer(payload, plan),
    expected: plan.expected,
    wait: plan.wait,
    timeoutMs,
    rate: plan.rate,
    qos: plan.qos,
    window: WINDOW,
    spreadMs,
    ...(plan.join === undefined ? {} : { join: { random: Math.random } }),
    // A delivery to one device need not wait for requests of others.
    ...(expectsOne(plan) ? { timing: { gatherMs: 0 } } : {}),
  });
}

/** Returns the envelopes that a sender publishes: one for most topics, and others for some topics. */
function publicationOf(
  envelopes: FoundOffer["envelopes"],
): Pick<SenderOptions, "offerEnvelope" | "offerTopics" | "offerParts"> {
  const [offerEnvelope = new Uint8Array()] = envelopes.values();
  return { offerEnvelope, offerTopics: [...envelopes.keys()], offerParts: envelopes };
}

/** Returns the number of devices that will request the image, if it is known. */
function countOf({ target, expected }: DeliveryPlan): number | undefined {
  return target === "all" ? (expected.devices?.length ?? expected.count) : target.devices.length;
}

function expectsOne({ expected: { devices, count } }: DeliveryPlan): boolean {
  return devices === undefined ? count === 1 : devices.length === 1;
}
