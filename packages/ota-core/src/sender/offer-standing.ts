import { compareSequence } from "../messages/offer.ts";
import { parseTopic } from "../messages/topics.ts";
import { ReadBack } from "./read-back.ts";
import type { CompetingOffer } from "./sender-events.ts";

/** Options of an {@link OfferStanding}. */
export interface OfferStandingOptions {
  readonly topicRoot: string;
  /** Topic of offers to every device. */
  readonly productTopic: string;
  readonly hashesTopic: string;
  readonly hashList: Uint8Array;
  readonly offerId: string;
  readonly counter: readonly [epoch: number, sequence: number];
  readonly offerEnvelope: Uint8Array;
  readonly offerTopics: readonly string[];
  /** Offers on topics that get another one than `offerEnvelope`. */
  readonly offerParts?: ReadonlyMap<string, Uint8Array>;
  /** Reads another publisher's offer. Returns `undefined` if devices would not trust it. */
  readonly readOffer: ((envelope: Uint8Array) => CompetingOffer | undefined) | undefined;
}

/** Result of {@link OfferStanding.take}: what a message means for the delivery. */
export type OfferNews =
  | { readonly type: "nothing" }
  /** A live message has another offer. Only what the broker retains says whether it stands. */
  | { readonly type: "heard-of" }
  /** An older offer replaced this one on the broker. */
  | { readonly type: "overwritten" }
  /** The hash list was cleared. */
  | { readonly type: "list-cleared" }
  /** Another offer is in force for one device of several. */
  | { readonly type: "device-lost"; readonly device: string; readonly by: CompetingOffer }
  | { readonly type: "superseded" | "withdrawn" | "number-taken"; readonly by: CompetingOffer };

const NOTHING: OfferNews = { type: "nothing" };

/**
 * Watches whether an offer stands on the broker: whether the broker gives back what it was told to retain, and whether
 * another publisher's offer replaced it. As on devices, the higher (epoch, sequence) counts.
 */
export class OfferStanding {
  readonly #options: OfferStandingOptions;
  readonly #lostTopics = new Set<string>();
  readonly #overwritten = new Set<string>();
  readonly #heardOf = new Set<string>();
  #readBack: ReadBack;

  constructor(options: OfferStandingOptions) {
    this.#options = options;
    this.#readBack = this.#newReadBack();
  }

  /** Topics to subscribe to: the hash list, the offer's own, and the one of offers to every device. */
  get watchedTopics(): string[] {
    const { hashesTopic, productTopic, offerTopics } = this.#options;
    return [...new Set([hashesTopic, productTopic, ...offerTopics])];
  }

  /** Topics whose retained message has not come back on this connection. */
  get missing(): string[] {
    return this.#readBack.missing;
  }

  /** Returns what belongs on one of the watched topics: an offer, or the hash list. */
  messageOn(topic: string): Uint8Array {
    if (topic === this.#options.hashesTopic) return this.#options.hashList;
    return this.#options.offerParts?.get(topic) ?? this.#options.offerEnvelope;
  }

  /** Starts again on a new connection. */
  restart(): void {
    this.#readBack = this.#newReadBack();
  }

  /** Returns the topics on which an older offer was found, or the hash list cleared, since the last call. */
  takeOverwritten(): string[] {
    const topics = [...this.#overwritten];
    this.#overwritten.clear();
    return topics;
  }

  /** Returns the topics on which a live message had another offer since the last call. */
  takeHeardOf(): string[] {
    const topics = [...this.#heardOf];
    this.#heardOf.clear();
    return topics;
  }

  /** Takes a message on a watched topic. */
  take(topic: string, payload: Uint8Array, isRetained: boolean): OfferNews {
    const { hashesTopic, readOffer } = this.#options;
    const isOwn = this.#readBack.see(topic, payload, isRetained);
    if (topic === hashesTopic && payload.length === 0) {
      this.#overwritten.add(topic);
      return { type: "list-cleared" };
    }
    const other = isOwn || topic === hashesTopic ? undefined : readOffer?.(payload);
    if (other === undefined) return NOTHING;
    const news = this.#meet(other, topic);
    if (news.type === "nothing") return news;
    if (!isRetained) {
      this.#heardOf.add(topic);
      return { type: "heard-of" };
    }
    if (news.type === "overwritten") this.#overwritten.add(topic);
    if (news.type === "device-lost") this.#lostTopics.add(topic);
    return news;
  }

  #meet(other: CompetingOffer, topic: string): OfferNews {
    const { offerId, counter, offerTopics, topicRoot } = this.#options;
    const isOurTopic = offerTopics.includes(topic);
    // The same offer of another publisher replaces nothing, and one for other devices is of no concern.
    if (other.id === offerId || (!isOurTopic && !other.isForAll)) return NOTHING;
    const order = compareSequence(other.counter, counter);
    if (order === 0) return { type: "number-taken", by: other };
    if (order < 0) return isOurTopic ? { type: "overwritten" } : NOTHING;
    const parsed = parseTopic(topicRoot, topic);
    const standing = offerTopics.filter((own) => own !== topic && !this.#lostTopics.has(own));
    if (parsed?.kind === "device-offer" && standing.length > 0) {
      return { type: "device-lost", device: parsed.device, by: other };
    }
    return { type: other.version === undefined ? "withdrawn" : "superseded", by: other };
  }

  #newReadBack(): ReadBack {
    const { hashesTopic, hashList, offerTopics } = this.#options;
    const offers = offerTopics.map((topic) => [topic, this.messageOn(topic)] as const);
    return new ReadBack(new Map([[hashesTopic, hashList], ...offers]));
  }
}
