import { parseTopic } from "../messages/topics.ts";
import { compareSequence } from "../receiver/offer-gate.ts";
import { ReadBack } from "./read-back.ts";
import type { CompetingOffer } from "./sender-events.ts";

/** What an {@link OfferStanding} is made with. */
export interface OfferStandingOptions {
  readonly topicRoot: string;
  /** The topic of offers to every device. */
  readonly productTopic: string;
  readonly hashesTopic: string;
  readonly hashList: Uint8Array;
  readonly offerId: string;
  readonly counter: readonly [epoch: number, sequence: number];
  readonly offerEnvelope: Uint8Array;
  readonly offerTopics: readonly string[];
  /** Reads another publisher's offer; `undefined` for one that devices would not trust. */
  readonly readOffer: ((envelope: Uint8Array) => CompetingOffer | undefined) | undefined;
}

/** What a message on a watched topic means for the delivery. */
export type OfferNews =
  | { readonly type: "nothing" }
  /** An older offer took the place of this one on the broker. */
  | { readonly type: "overwritten" }
  /** Another offer is in force for one device of several. */
  | { readonly type: "device-lost"; readonly device: string; readonly by: CompetingOffer }
  | { readonly type: "superseded" | "withdrawn" | "number-taken"; readonly by: CompetingOffer };

const NOTHING: OfferNews = { type: "nothing" };

/**
 * Watches whether an offer stands on the broker: whether the broker gives back what it was told to retain, and whether
 * another publisher's offer is in force in its place. It decides by the rules of a device: the higher (epoch, sequence)
 * wins.
 */
export class OfferStanding {
  readonly #options: OfferStandingOptions;
  readonly #lostTopics = new Set<string>();
  readonly #overwritten = new Set<string>();
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

  /** Begins anew, on a new connection. */
  restart(): void {
    this.#readBack = this.#newReadBack();
  }

  /** Topics on which an older offer was found since the last call. */
  takeOverwritten(): string[] {
    const topics = [...this.#overwritten];
    this.#overwritten.clear();
    return topics;
  }

  /** Takes a message on a watched topic. */
  take(topic: string, payload: Uint8Array, isRetained: boolean): OfferNews {
    const { hashesTopic, readOffer } = this.#options;
    const isOwn = this.#readBack.see(topic, payload, isRetained);
    const other = isOwn || topic === hashesTopic ? undefined : readOffer?.(payload);
    return other === undefined ? NOTHING : this.#meet(other, topic);
  }

  #meet(other: CompetingOffer, topic: string): OfferNews {
    const { offerId, counter, offerTopics, topicRoot } = this.#options;
    const isOurTopic = offerTopics.includes(topic);
    // The same offer of another publisher replaces nothing, and one for other devices concerns nobody here.
    if (other.id === offerId || (!isOurTopic && !other.isForAll)) return NOTHING;
    const order = compareSequence(other.counter, counter);
    if (order === 0) return { type: "number-taken", by: other };
    if (order < 0) {
      if (!isOurTopic) return NOTHING;
      this.#overwritten.add(topic);
      return { type: "overwritten" };
    }
    const parsed = parseTopic(topicRoot, topic);
    if (parsed?.kind === "device-offer") {
      this.#lostTopics.add(topic);
      if (this.#lostTopics.size < offerTopics.length) return { type: "device-lost", device: parsed.device, by: other };
    }
    return { type: other.version === undefined ? "withdrawn" : "superseded", by: other };
  }

  #newReadBack(): ReadBack {
    const { hashesTopic, hashList, offerTopics, offerEnvelope } = this.#options;
    const offers = offerTopics.map((topic) => [topic, offerEnvelope] as const);
    return new ReadBack(new Map([[hashesTopic, hashList], ...offers]));
  }
}
