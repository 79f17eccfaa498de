import type { SenderTiming } from "../messages/timing.ts";
import { type Topics, topicsOf } from "../messages/topics.ts";
import { type OfferNews, OfferStanding } from "./offer-standing.ts";
import type { SenderEvent } from "./sender-events.ts";
import type { SenderOptions } from "./sender-options.ts";
import type { SenderOutbox } from "./sender-outbox.ts";

/** Time between two requests for the retained messages that are missing, in milliseconds. */
const READ_BACK_AGAIN_MS = 1_000;

/** Minimum time between two requests for other retained offers, in milliseconds. */
const LOOK_AGAIN_MS = 1_000;

/** Time after which a publisher that joined publishes what the broker has not given back, in milliseconds. */
const RESTORE_MS = 5_000;

/** Time after which an offer that was overwritten is published again, and before which a hash list is not, in milliseconds. */
const REASSERT_MS = 5_000;

/** How far an offer is published on this connection. */
type Step = "away" | "hashes" | "offers" | "published";

/**
 * Publishes hash list and offer, in this order, and sees that they stand: reads them back from the broker, and publishes the
 * offer again where an older one replaced it. Adds its actions to an outbox.
 */
export class OfferPublication {
  readonly #options: SenderOptions;
  readonly #timing: SenderTiming;
  readonly #topics: Topics;
  readonly #hashesTopic: string;
  readonly #standing: OfferStanding;
  readonly #out: SenderOutbox;
  /** Topics of the offers that were published and not acknowledged yet, by id of the publish. */
  readonly #inFlight = new Map<number, string>();
  #step: Step = "away";
  #hashesId = 0;
  #readBackUntil = 0;
  #canRestore = false;

  /** @param imageId - Id of the image. */
  constructor(options: SenderOptions, imageId: string, timing: SenderTiming, out: SenderOutbox) {
    this.#options = options;
    this.#timing = timing;
    this.#topics = topicsOf(options.topicRoot);
    this.#hashesTopic = this.#topics.hashes(imageId);
    this.#out = out;
    this.#standing = new OfferStanding({
      ...options,
      productTopic: this.#topics.offer,
      hashesTopic: this.#hashesTopic,
      hashList: options.image.hashList,
      readOffer: options.readOffer,
    });
  }

  /** `true` if the broker acknowledged hash list and offer on this connection, or a device reported under the offer. */
  get isPublished(): boolean {
    return this.#step === "published";
  }

  /** Topics that the broker has not acknowledged. */
  get unacknowledged(): string[] {
    if (this.#step === "hashes") return [this.#hashesTopic];
    return this.#step === "offers" ? [...this.#inFlight.values()] : [];
  }

  /** Topics whose message the broker has not given back. */
  get missing(): string[] {
    return this.#standing.missing;
  }

  /**
   * Subscribes before anything is published, so that no answer is missed, nor an offer that replaced this one while the
   * connection was away. The offer waits for the hash list. A publisher that joined publishes neither: it reads them back.
   */
  begin(now: number): void {
    const { requestFilter, stateFilter } = this.#topics;
    this.#out.subscribe([requestFilter, stateFilter, ...this.#standing.watchedTopics]);
    this.#standing.restart();
    if (this.#options.join !== undefined) return this.#beginJoined(now);
    this.#step = "hashes";
    this.#hashesId = this.#out.publishRetained(this.#hashesTopic, this.#options.image.hashList);
  }

  /** Forgets what ends with a connection. */
  disconnect(): void {
    this.#step = "away";
    this.#inFlight.clear();
    this.#out.clearTimer("read-back");
  }

  /**
   * Takes an acknowledgement.
   *
   * @returns `true` if it was the last one: the offer is published.
   */
  drained(id: number, now: number): boolean {
    if (this.#step === "hashes" && id === this.#hashesId) {
      this.#step = "offers";
      for (const topic of this.#options.offerTopics) {
        this.#inFlight.set(this.#out.publishRetained(topic, this.#standing.messageOn(topic)), topic);
      }
      return false;
    }
    if (this.#step !== "offers" || !this.#inFlight.delete(id) || this.#inFlight.size > 0) return false;
    this.#step = "published";
    this.#readBackUntil = now + this.#timing.readBackMs;
    return true;
  }

  /**
   * Takes that the broker does not acknowledge a publish.
   *
   * @param isHeard - `true` if a device reported under the offer, which proves that it arrived.
   * @returns The topic if that ends the delivery; `published` if the offer counts as published now.
   */
  giveUp(id: number, isHeard: boolean): { readonly topic: string } | "published" | undefined {
    const isHashes = this.#step === "hashes" && id === this.#hashesId;
    const topic = isHashes ? this.#hashesTopic : this.#inFlight.get(id);
    if (topic === undefined) return undefined;
    if (!isHeard) return { topic };
    this.#inFlight.delete(id);
    if (this.#inFlight.size > 0) return undefined;
    this.#step = "published";
    return "published";
  }

  /**
   * Subscribes again to the topics whose retained message has not come back, so that the broker sends it. A device that
   * reports under the offer proves that the broker passes it on; then nothing is asked. A publisher that joined did not see
   * the broker take the messages: it asks in any case, and publishes once what the broker lost. It goes on without an
   * answer: a cluster that elects a leader may take longer, and the offer was there before.
   */
  readBack(isHeard: boolean, now: number): "waiting" | "not-retained" | "stands" {
    const { missing } = this.#standing;
    if (missing.length === 0 || (isHeard && !this.#canRestore)) {
      this.#out.clearTimer("read-back");
      return "stands";
    }
    if (this.#canRestore) this.#restore(missing, now);
    if (now >= this.#readBackUntil) return this.#options.join === undefined ? "not-retained" : "stands";
    this.#out.subscribe(missing);
    this.#out.setTimer("read-back", Math.min(this.#readBackUntil, now + READ_BACK_AGAIN_MS));
    return "waiting";
  }

  /** Takes a message on an offer topic or the hash list's: our own that comes back, or another publisher's offer. */
  take({ topic, payload, retained, now }: Extract<SenderEvent, { type: "announcement" }>): OfferNews {
    const news = this.#standing.take(topic, payload, retained);
    if (news.type === "overwritten" || news.type === "list-cleared") {
      if (this.#out.timerAt("reassert") !== undefined) return news;
      // Devices that begin to download wait for the list. An older offer may be replaced by its own publisher at once.
      if (news.type === "list-cleared") this.reassert();
      this.#out.setTimer("reassert", now + REASSERT_MS);
    } else if (news.type === "heard-of" && this.#out.timerAt("look-again") === undefined) this.lookAgain(now);
    return news;
  }

  #beginJoined(now: number): void {
    this.#step = "published";
    this.#canRestore = true;
    this.#readBackUntil = now + this.#timing.readBackMs;
    this.#out.setTimer("read-back", now + RESTORE_MS);
  }

  /** Publishes what the broker has not given back, the hash list first. */
  #restore(topics: readonly string[], now: number): void {
    this.#canRestore = false;
    this.#readBackUntil = now + this.#timing.readBackMs;
    for (const topic of topics) {
      this.#out.publishRetained(topic, this.#standing.messageOn(topic));
    }
  }

  /** Subscribes again where a live message announced another offer, so that the broker sends what it retains. */
  lookAgain(now: number): void {
    const topics = this.#standing.takeHeardOf();
    if (topics.length === 0 || this.#step === "away") return;
    this.#out.subscribe(topics);
    this.#out.setTimer("look-again", now + LOOK_AGAIN_MS);
  }

  /** Publishes the offer again where an older one replaced it, and a hash list that was cleared: devices that connect later need them. */
  reassert(): void {
    for (const topic of this.#standing.takeOverwritten()) {
      if (this.#step !== "away") this.#out.publishRetained(topic, this.#standing.messageOn(topic));
    }
  }
}
