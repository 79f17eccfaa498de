import type { Bitmap } from "../bitmap.ts";
import { buildRequest, REQUEST_RANGES_MAX } from "../messages/request.ts";
import type { DownloadOptions } from "./download-events.ts";
import type { ReceiverAction, ReceiverContext } from "./receiver-events.ts";

/** Requests without effect after which answers are asked for on the device's own topic. */
const UNICAST_AFTER = 3;

/**
 * Asks for the hash list and the chunks of one image, ever more rarely while nothing useful comes.
 *
 * Sans-IO: each method returns actions. The timer `request` says when to ask again.
 */
export class ImageRequests {
  readonly #image: string;
  readonly #options: DownloadOptions;
  /** Number of requests, and of subscriptions to the hash list, since the last useful message. */
  #unanswered = 0;
  #windowLeft = 0;
  #count = 0;
  /** Chunk 0 must be requested, because no publisher sends it again otherwise. */
  #isChunkZeroOwed = false;

  /** @param image - Id of the image. */
  constructor(image: string, options: DownloadOptions) {
    this.#image = image;
    this.#options = options;
  }

  /** Requests for chunks made so far. */
  get count(): number {
    return this.#count;
  }

  /** `true` if it keeps asking, and neither the hash list nor a useful chunk arrives. */
  get isStalled(): boolean {
    return this.#unanswered > this.#options.timing.stalledAfter;
  }

  /** Subscribes to the topics of the image; the broker then repeats the hash list. */
  join(): ReceiverAction[] {
    return this.#topics().map((topic) => ({ type: "subscribe", topic }));
  }

  /** Stops asking, and leaves the topics of the image. */
  leave({ isConnected }: ReceiverContext): ReceiverAction[] {
    const topics = isConnected ? this.#topics() : [];
    return [
      { type: "clear-timer", timer: "request" },
      ...topics.map((topic): ReceiverAction => ({ type: "unsubscribe", topic })),
    ];
  }

  /** Sets the time to ask for the hash list again, once the device subscribed to it. */
  awaitHashes({ now }: ReceiverContext): ReceiverAction[] {
    const timer = this.#timerIn(this.#retryDelay(), now);
    this.#unanswered++;
    return [timer];
  }

  /** Asks for the hash list again, by subscribing to it. */
  askForHashes(context: ReceiverContext): ReceiverAction[] {
    const topic = this.#options.topics.hashes(this.#image);
    return [{ type: "subscribe", topic }, ...this.awaitHashes(context)];
  }

  /** Records that the hash list or a useful chunk arrived. */
  succeeded(): void {
    this.#unanswered = 0;
  }

  /** Asks for the missing chunks now. */
  ask(missing: Bitmap, { now, isConnected }: ReceiverContext): ReceiverAction[] {
    if (!isConnected) return [];
    const { topics, device, window } = this.#options;
    const payload = buildRequest({
      protocol: 1,
      image: this.#image,
      missing: missing.ranges(REQUEST_RANGES_MAX).map(([first, count]) => [first, count]),
      missing_count: missing.count,
      window,
      unicast: this.#unanswered >= UNICAST_AFTER,
    });
    this.#count++;
    this.#windowLeft = window;
    const timer = this.#timerIn(this.#retryDelay(), now);
    this.#unanswered++;
    return [{ type: "publish", topic: topics.request(device), payload, qos: 1, retain: false }, timer];
  }

  /** Asks for the missing chunks at a random time within the offer's spread; at once without one. */
  askWithin(spreadMs: number, missing: Bitmap, context: ReceiverContext): ReceiverAction[] {
    if (spreadMs === 0) return this.ask(missing, context);
    return [this.#timerIn(Math.floor(this.#options.random() * spreadMs), context.now)];
  }

  /** Records that chunk 0 was dropped because others are missing. */
  chunkZeroCameEarly(): void {
    this.#isChunkZeroOwed = true;
  }

  /** A useful chunk was written, and others are missing. */
  chunkWritten(missing: Bitmap, context: ReceiverContext): ReceiverAction[] {
    if (this.#windowLeft > 0) this.#windowLeft--;
    const isWindowSpent = this.#options.window > 0 && this.#windowLeft === 0;
    const isOnlyZeroLeft = missing.count === 1 && this.#isChunkZeroOwed;
    if (!isWindowSpent && !isOnlyZeroLeft) return [this.#timerIn(this.#retryDelay(), context.now)];
    this.#isChunkZeroOwed = false;
    return this.ask(missing, context);
  }

  #topics(): string[] {
    const { topics, device } = this.#options;
    return [topics.imageChunk(this.#image), topics.deviceChunk(device), topics.hashes(this.#image)];
  }

  #retryDelay(): number {
    const { timing, random } = this.#options;
    const base = Math.min(timing.retryMs * 2 ** Math.min(this.#unanswered, 16), timing.retryMaxMs);
    return base + Math.floor(random() * timing.retryMs);
  }

  #timerIn(delayMs: number, now: number): ReceiverAction {
    return { type: "set-timer", timer: "request", at: now + delayMs };
  }
}
