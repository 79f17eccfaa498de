import { type OfferDocument, OtaError } from "@tinybms/ota-core";
import { parseRelease } from "@tinybms/ota-core/signing";
import type { ImageFile } from "../image-file.ts";
import { type DeliveryTarget, offerTopicsOf } from "../offer-payload.ts";
import type { OfferCounter } from "../sequence.ts";
import type { OfferSigning } from "../signing/offer-signing.ts";
import type { BrokerConnection } from "./connection.ts";
import { type OfferWatch, readOffer, retainedMessages } from "./make-offer.ts";

/** An offer that a publisher looks for, to join it. */
export interface SoughtOffer {
  /** Topic of the channel. */
  readonly topicRoot: string;
  /** Named devices may be among those of an offer to every device. */
  readonly target: DeliveryTarget;
  readonly version: string;
  readonly image: Pick<ImageFile, "sha256">;
  /** Key sets that the offer's signatures are checked against. */
  readonly signing: OfferSigning;
  readonly timeoutMs: number;
}

/** An offer that stands on the broker. */
export interface FoundOffer {
  readonly id: string;
  readonly counter: OfferCounter;
  /** The payload of each topic that retains it. */
  readonly envelopes: ReadonlyMap<string, Uint8Array>;
  /** Time over which devices spread their first requests, in milliseconds. */
  readonly spreadMs: number;
}

/**
 * Finds the offer that stands: of those on the topics of the target, and of offers to every device, the one with the highest
 * number.
 *
 * @throws {@link OtaError} `delivery/not-offered` if there is none, or it is of another version; `delivery/image-mismatch` if it
 *   has another image; `delivery/connection-lost`, `delivery/broker-unreachable`; the signal's reason.
 */
export async function findOffer(
  connection: BrokerConnection,
  sought: SoughtOffer,
  watch: OfferWatch,
): Promise<FoundOffer> {
  const { topicRoot, target } = sought;
  const topics = new Set([...offerTopicsOf(topicRoot, "all"), ...offerTopicsOf(topicRoot, target)]);
  const deadline = AbortSignal.timeout(Math.ceil(sought.timeoutMs));
  const signal = watch.signal === undefined ? deadline : AbortSignal.any([watch.signal, deadline]);
  const retained = await retainedMessages(connection, [...topics], watch, signal);
  const offers = [...retained].flatMap(([topic, payload]) => {
    const read = readOffer(payload, sought);
    return read?.isTrusted === true ? [{ topic, payload, offer: read.offer }] : [];
  });
  const standing = offers.map(({ offer }) => offer).reduce(later, undefined);
  if (standing === undefined) throw notOffered(sought, undefined);
  assertOffers(standing, sought);
  const parts = offers.filter(({ offer }) => offer.id === standing.id);
  return {
    id: standing.id,
    counter: [standing.epoch, standing.sequence],
    envelopes: new Map(parts.map(({ topic, payload }) => [topic, payload])),
    spreadMs: standing.spread_ms ?? 0,
  };
}

function later(one: OfferDocument | undefined, other: OfferDocument): OfferDocument {
  if (one === undefined) return other;
  return (other.epoch - one.epoch || other.sequence - one.sequence) > 0 ? other : one;
}

function assertOffers({ release }: OfferDocument, sought: SoughtOffer): void {
  if (release === null) throw notOffered(sought, undefined);
  const { version, image } = parseRelease(release.payload);
  if (version !== sought.version) throw notOffered(sought, version);
  const [expected, actual] = [image.sha256, sought.image.sha256];
  if (expected === actual) return;
  const message = `the offer that stands on topic ${sought.topicRoot} is of another build of version ${version}: its image has the SHA-256 ${expected}, and the one at hand ${actual}`;
  const hint = "join with the version's folder of the build that was offered: same version manifest, same files";
  throw new OtaError("delivery/image-mismatch", message, { expected, actual }, { hint });
}

function notOffered({ version, topicRoot }: SoughtOffer, found: string | undefined): OtaError<"delivery/not-offered"> {
  const message = `version ${version} is not offered on topic ${topicRoot}: the broker offers ${found ?? "nothing"} there`;
  const hint =
    found === undefined
      ? "deploy without --join makes an offer; to join one to named devices, name them as it does"
      : `--version ${found} joins that offer`;
  const offered = found === undefined ? [] : [found];
  return new OtaError("delivery/not-offered", message, { version, offered }, { hint });
}
