import type { SkippedMessage } from "@tinybms/ota-broker/client";
import {
  type DeliveryOutcome,
  type DeviceProgress,
  type OtaError,
  Sender,
  type SenderOptions,
} from "@tinybms/ota-core";
import type { Envelope } from "@tinybms/ota-core/signing";
import { definedMembers } from "../defined-members.ts";
import type { ImageFile } from "../image-file.ts";
import { type DeliveryTarget, spreadMsOf } from "../offer-payload.ts";
import type { OfferCounter } from "../sequence.ts";
import type { OfferSigning } from "../signing/offer-signing.ts";
import type { BrokerAddress } from "./broker-url.ts";
import { carryOut } from "./carry-out.ts";
import type { ConnectionOptions } from "./connect.ts";
import { connectBroker } from "./connection.ts";
import { competingOffer, giveWay, type MadeOffer, makeOffer, NUMBERS_MAX } from "./make-offer.ts";

/** One image, for some devices, through one broker. */
export interface DeliveryPlan {
  readonly broker: BrokerAddress;
  readonly connection: Omit<ConnectionOptions, "signal" | "onRetry" | "onSkipped">;
  /** The channel's topic. */
  readonly topicRoot: string;
  /** What the offer carries: `unsignedRelease`, or the envelope that `package` signed. */
  readonly release: Envelope;
  /** The image of the release. */
  readonly image: ImageFile;
  readonly signing: OfferSigning;
  readonly target: DeliveryTarget;
  /** Who must end well: the named devices, or so many; without either, who answers. */
  readonly expected: { readonly devices?: readonly string[]; readonly count?: number };
  /** How far devices must come. */
  readonly wait: "confirmed" | "downloaded" | "none";
  readonly timeoutMs: number;
  /** Bytes per second; 0 means no limit. */
  readonly rate: number;
  /** Of the chunks. They may come twice and in any order, so that 2 gains nothing. */
  readonly qos: 0 | 1;
  /** Where the counters of our own offers are recorded. */
  readonly sequenceFile: string;
}

/** What a delivery tells while it runs. */
export interface DeliveryWatch {
  /** Ends the delivery: devices keep the offer, and what they have. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (device: DeviceProgress) => void;
  /** The broker can't be reached yet; another attempt follows. */
  readonly onRetry?: (fault: OtaError) => void;
  /** Called for the first message on each topic that is too large for it, and skipped. */
  readonly onSkipped?: (message: SkippedMessage) => void;
  /** The broker keeps an offer that no trusted key has signed: somebody else publishes there. */
  readonly onForeignOffer?: (offer: { readonly topic: string; readonly counter: OfferCounter }) => void;
  /** The offer is on its way to the broker. */
  readonly onOffer?: (offer: { readonly id: string; readonly counter: OfferCounter }) => void;
  /** The connection was lost, or is there again. */
  readonly onConnection?: (connected: boolean) => void;
}

/** Chunks that are on their way to the broker at once: enough to fill a wide-area link, few enough to pace. */
const WINDOW = 32;

/**
 * Delivers an image: connects, numbers and publishes the offer, and answers devices' requests until each one that is
 * expected has ended, another offer takes its place, or the time is up. Where another publisher used the same number at
 * the same moment, the offer is made again under the next one.
 *
 * @returns How it ended, also where devices failed or none appeared.
 * @throws {@link OtaError} `delivery/broker-unreachable`, `delivery/broker-refused`, `delivery/sequence-jump`,
 *   `delivery/connection-lost` if the connection was lost and is still away at the end; `delivery/not-acknowledged` and
 *   `delivery/not-retained` where the broker does not take or keep what rests on it; `signing/…` where devices would not
 *   trust the offer; `manifest/unreadable`, `package/locked` and `package/write-failed` for the record of sequences; the
 *   signal's reason if it is aborted before the offer is made.
 */
export async function deliverOverMqtt(plan: DeliveryPlan, watch: DeliveryWatch = {}): Promise<DeliveryOutcome> {
  const startedAt = performance.now();
  const { signal, onRetry, onSkipped } = watch;
  const connection = await connectBroker(plan.broker, {
    ...plan.connection,
    ...definedMembers({ signal, onRetry, onSkipped }),
  });
  try {
    for (let attempt = 1; ; attempt++) {
      const timeoutMs = Math.max(1, plan.timeoutMs - (performance.now() - startedAt));
      const made = await makeOffer(connection, { ...plan, timeoutMs, expectedCount: countOf(plan) }, watch);
      watch.onOffer?.({ id: made.id, counter: made.counter });
      signal?.throwIfAborted();
      const sender = senderOf(plan, made, Math.max(1, plan.timeoutMs - (performance.now() - startedAt)));
      const outcome = await carryOut(sender, connection, plan, watch);
      const { reason, topics = [] } = outcome;
      if (reason === "unacknowledged") throw connection.unacknowledgedError(topics);
      if (reason === "not-retained") throw connection.notRetainedError(topics);
      if (reason !== "number-taken" || attempt === NUMBERS_MAX) return outcome;
      await giveWay(attempt, signal);
    }
  } finally {
    await connection.close();
  }
}

function senderOf(plan: DeliveryPlan, { id, counter, envelopes }: MadeOffer, timeoutMs: number): Sender {
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
    spreadMs: spreadMsOf(countOf(plan)),
    // A delivery to one device has nobody to wait for.
    ...(expectsOne(plan) ? { timing: { gatherMs: 0 } } : {}),
  });
}

/** What a sender publishes where: one envelope, and other ones on some topics. */
function publicationOf(
  envelopes: MadeOffer["envelopes"],
): Pick<SenderOptions, "offerEnvelope" | "offerTopics" | "offerParts"> {
  const [offerEnvelope = new Uint8Array()] = envelopes.values();
  return { offerEnvelope, offerTopics: [...envelopes.keys()], offerParts: envelopes };
}

/** How many devices will ask for the image, as far as anybody knows. */
function countOf({ target, expected }: DeliveryPlan): number | undefined {
  return target === "all" ? (expected.devices?.length ?? expected.count) : target.devices.length;
}

function expectsOne({ expected: { devices, count } }: DeliveryPlan): boolean {
  return devices === undefined ? count === 1 : devices.length === 1;
}
