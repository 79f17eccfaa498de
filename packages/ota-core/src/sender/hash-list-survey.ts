import { parseEnvelope } from "../messages/envelope.ts";
import { parseOffer } from "../messages/offer.ts";
import { parseRelease } from "../messages/release.ts";
import { imageIdOf, parseTopic, type Topics, topicsOf } from "../messages/topics.ts";
import { readMessage } from "./read-message.ts";

/** Why no hash list may be cleared. */
export type SurveyObstacle =
  /** An offer can't be read: it may be of a later version, and name any image. */
  | "unreadable-offer"
  /** There are more offers than a broker surely passes on. */
  | "too-many-offers";

/**
 * Most offers among which the named images are looked for. Brokers drop what a client's queue has no room for, Mosquitto
 * beyond 1 000 messages, and say nothing.
 */
const OFFERS_MAX = 256;

/** Most hash lists that are cleared after one delivery. The others are left to the next one. */
const LISTS_MAX = 64;

/**
 * Finds the retained hash lists that no retained offer names. It does no I/O.
 *
 * A hash list counts if two readings found it, with all offers read before the second one. Not one that somebody publishes
 * meanwhile: its offer follows. An offer counts with any signature. Keeps ids only, of bounded number.
 */
export class HashListSurvey {
  readonly #topicRoot: string;
  readonly #topics: Topics;
  readonly #ownImage: string | undefined;
  #isOwnFound = false;
  readonly #found: Set<string> = new Set();
  readonly #foundAgain: Set<string> = new Set();
  /** Images that offers named, or whose hash list was published during the survey. */
  readonly #inUse: Set<string> = new Set();
  readonly #offerTopics: Set<string> = new Set();
  #obstacle: SurveyObstacle | undefined;
  #isSecond = false;

  /**
   * @param topicRoot - The channel's `topic`.
   * @param ownImage - Id of the image that the publisher itself offers.
   */
  constructor(topicRoot: string, ownImage?: string) {
    this.#topicRoot = topicRoot;
    this.#topics = topicsOf(topicRoot);
    this.#ownImage = ownImage;
    if (ownImage !== undefined) this.#inUse.add(ownImage);
  }

  /** Filter of the hash lists, to read first. */
  get listFilter(): string {
    return this.#topics.hashesFilter;
  }

  /** Filters of the offers. */
  get offerFilters(): string[] {
    return [this.#topics.offer, this.#topics.deviceOfferFilter];
  }

  /** `true` if the publisher's own list was found, or it has none: the broker answers the subscription to all lists. */
  get isAnswered(): boolean {
    return this.#ownImage === undefined || this.#isOwnFound;
  }

  /** `true` if the second reading found each of the {@link candidates}. */
  get isFoundAgain(): boolean {
    return this.candidates.length === this.unnamed().length;
  }

  /** Topics of the hash lists that were found, and that nothing names so far. */
  get candidates(): string[] {
    return this.#unnamed([...this.#found]);
  }

  /** Why nothing may be cleared, if so. */
  get obstacle(): SurveyObstacle | undefined {
    return this.#obstacle;
  }

  /** Takes a message on one of the filters. */
  take(topic: string, payload: Uint8Array, isRetained: boolean): void {
    const parsed = parseTopic(this.#topicRoot, topic);
    // An empty message says nothing; another publisher may clear the same.
    if (parsed === undefined || payload.length === 0) return;
    if (parsed.kind === "offer" || parsed.kind === "device-offer") this.#takeOffer(topic, payload);
    if (parsed.kind !== "hashes") return;
    if (isRetained && parsed.image === this.#ownImage) this.#isOwnFound = true;
    if (!isRetained) this.#use(parsed.image);
    else if (this.#isSecond) this.#foundAgain.add(parsed.image);
    else if (this.#found.size < LISTS_MAX) this.#found.add(parsed.image);
  }

  /** Begins the second reading: of the offers, and after them of the {@link candidates}. */
  readAgain(): void {
    this.#isSecond = true;
    this.#foundAgain.clear();
  }

  /** Returns the topics of the hash lists to clear, after the second reading. */
  unnamed(): string[] {
    return this.#isSecond ? this.#unnamed([...this.#found].filter((image) => this.#foundAgain.has(image))) : [];
  }

  #unnamed(images: readonly string[]): string[] {
    if (this.#obstacle !== undefined) return [];
    return images.filter((image) => !this.#inUse.has(image)).map((image) => this.#topics.hashes(image));
  }

  #takeOffer(topic: string, payload: Uint8Array): void {
    this.#offerTopics.add(topic);
    if (this.#offerTopics.size > OFFERS_MAX) this.#stop("too-many-offers");
    const named = readMessage(imageNamedBy, payload);
    if (named === undefined) this.#stop("unreadable-offer");
    else if (named !== null) this.#use(named);
  }

  #use(image: string): void {
    if (this.#inUse.size === 2 * OFFERS_MAX && !this.#inUse.has(image)) return this.#stop("too-many-offers");
    this.#inUse.add(image);
  }

  #stop(obstacle: SurveyObstacle): void {
    this.#obstacle ??= obstacle;
    this.#offerTopics.clear();
  }
}

/** Returns the id of the image that an offer names; `null` for a withdrawal. */
function imageNamedBy(payload: Uint8Array): string | null {
  const { release } = parseOffer(parseEnvelope(payload).payload);
  return release === null ? null : imageIdOf(parseRelease(release.payload).image.sha256);
}
