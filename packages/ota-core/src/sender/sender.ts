import { ChunkBuilder, parseChunk } from "../messages/chunk.ts";
import { chunkCountOf } from "../messages/hash-list.ts";
import { parseRequest } from "../messages/request.ts";
import { assertSenderTiming, SENDER_TIMING, type SenderTiming } from "../messages/timing.ts";
import { imageIdOf, isDeviceId, type Topics, topicsOf } from "../messages/topics.ts";
import { type Allowance, REPORTS_PER_MINUTE, REQUESTS_PER_MINUTE, spendAllowance } from "./allowance.ts";
import { ChunkFlow } from "./chunk-flow.ts";
import { endOf } from "./delivery-end.ts";
import { DEVICES_MAX, type DeviceEntry, DeviceLedger } from "./device-ledger.ts";
import { DeviceReports } from "./device-reports.ts";
import { OfferPublication } from "./offer-publication.ts";
import { readMessage } from "./read-message.ts";
import { SenderCounters } from "./sender-counters.ts";
import type {
  DeliveryOutcome,
  DeviceProgress,
  SenderAction,
  SenderEvent,
  SenderStats,
  SenderTimer,
} from "./sender-events.ts";
import { assertSenderOptions, type SenderOptions } from "./sender-options.ts";
import { SenderOutbox } from "./sender-outbox.ts";
import { SilenceWatch } from "./silence-watch.ts";

/** Default number of chunks on their way at once. */
const WINDOW_DEFAULT = 32;

/** Default pace in bytes per second: about what the flash of an ESP32 takes. */
const RATE_DEFAULT = 65_536;

/** Maximum time for which the first round waits for devices that compare their slot, and time between two looks, in milliseconds. */
const CHECKING_MAX_MS = 60_000;
const CHECKING_AGAIN_MS = 500;

/**
 * Where a sender stands. Once started, it publishes hash list and offer on each new connection, and then serves.
 *
 *     idle ─start─▶ started ─▶ done
 */
type Phase = "idle" | "started" | "done";

/**
 * A publisher that delivers one image under one offer, as the protocol page describes it. It does no I/O: events come
 * in, actions go out, time comes with the event. It asks for the image's bytes by `read-chunk`.
 *
 * Nothing that came from outside makes `handle` throw or keep more than its bounds: 20 000 devices with one bit per
 * chunk each, one reference and three numbers per chunk, 1 024 answers to single devices, and `window` chunks on their way.
 */
export class Sender {
  readonly #options: SenderOptions;
  readonly #timing: SenderTiming;
  readonly #topics: Topics;
  readonly #imageId: string;
  readonly #chunkCount: number;
  readonly #chunks: ChunkBuilder;
  readonly #ledger: DeviceLedger;
  readonly #flow: ChunkFlow;
  readonly #reports: DeviceReports;
  readonly #silence: SilenceWatch;
  readonly #out = new SenderOutbox();
  readonly #publication: OfferPublication;
  readonly #counters = new SenderCounters();
  #phase: Phase = "idle";
  #connected = false;
  /** When requests were gathered for the first round. */
  #gatheredAt: number | undefined;

  constructor(options: SenderOptions) {
    assertSenderOptions(options);
    const { image, expected } = options;
    this.#timing = { ...SENDER_TIMING, ...options.timing };
    assertSenderTiming(this.#timing);
    this.#options = options;
    this.#topics = topicsOf(options.topicRoot);
    this.#imageId = imageIdOf(image.sha256);
    this.#chunks = new ChunkBuilder(this.#imageId);
    this.#chunkCount = chunkCountOf(image.sizeBytes);
    this.#publication = new OfferPublication(options, this.#imageId, this.#timing, this.#out);
    this.#ledger = new DeviceLedger({
      named: expected.devices ?? [],
      limit: Math.max(DEVICES_MAX, expected.count ?? 0),
      chunkCount: this.#chunkCount,
    });
    this.#reports = new DeviceReports(options, this.#ledger);
    this.#silence = new SilenceWatch(this.#ledger, this.#timing, this.#topics.stateFilter, this.#out);
    this.#flow = new ChunkFlow({
      chunkCount: this.#chunkCount,
      sizeBytes: image.sizeBytes,
      window: options.window ?? WINDOW_DEFAULT,
      rate: options.rate ?? RATE_DEFAULT,
      ledger: this.#ledger,
      joinRandom: options.join?.random,
    });
  }

  /** Counters since the start. */
  get stats(): SenderStats {
    return this.#counters.stats(this.#chunkCount, this.#ledger.forgotten, this.#flow.limitedMs);
  }

  /** Devices that the delivery waits for by name, and those heard under the offer. */
  get devices(): DeviceProgress[] {
    return this.#reports.all();
  }

  /**
   * Takes one event.
   *
   * @returns What to do, in order. Empty for an event without meaning in the current phase, and after `done`.
   */
  handle(event: SenderEvent): SenderAction[] {
    if (this.#phase === "done") return [];
    this.#dispatch(event);
    return this.#out.take();
  }

  #dispatch(event: SenderEvent): void {
    switch (event.type) {
      case "start":
        return this.#start(event.now);
      case "connected":
        return this.#connect(event.now);
      case "disconnected":
        return this.#disconnect();
      case "request":
        return this.#takeRequest(event.device, event.payload, event.now);
      case "state":
        return this.#takeState(event);
      case "announcement":
        return this.#takeAnnouncement(event);
      case "chunk":
        return this.#hearChunk(event);
      case "drained":
        return this.#drain(event.id, event.now);
      case "unacknowledged":
        return this.#giveUpPublish(event.id, event.now);
      case "chunk-read":
        return this.#sendChunk(event.id, event.bytes);
      case "timer":
        return this.#fire(event.timer, event.now);
      case "cancel":
        return this.#finish("cancelled");
    }
  }

  #start(now: number): void {
    if (this.#phase !== "idle") return;
    this.#phase = "started";
    this.#reports.start(now);
    if (this.#options.wait !== "cancelled") this.#out.setTimer("deadline", now + this.#options.timeoutMs);
    if (this.#connected) this.#announce(now);
  }

  #connect(now: number): void {
    if (this.#connected) this.#disconnect();
    this.#connected = true;
    if (this.#phase === "started") this.#announce(now);
  }

  /** Forgets what ends with a connection. What is known of devices stays. */
  #disconnect(): void {
    this.#connected = false;
    if (this.#phase === "idle") return;
    this.#publication.disconnect();
    this.#flow.rewind();
    for (const timer of ["gather", "pace", "silence"] as const) this.#out.clearTimer(timer);
  }

  #announce(now: number): void {
    this.#silence.connected(now);
    if (this.#options.join !== undefined) {
      this.#out.subscribe([this.#topics.imageChunk(this.#imageId), this.#topics.deviceChunkFilter]);
    }
    this.#publication.begin(now);
  }

  #drain(id: number, now: number): void {
    if (this.#publication.drained(id, now)) this.#readBack(now);
    this.#flow.drained(id);
    this.#serve(now);
  }

  #fire(timer: SenderTimer, now: number): void {
    if (!this.#out.takeTimer(timer, now)) return;
    if (timer === "deadline") return this.#endInTime();
    if (timer === "read-back") return this.#readBack(now);
    if (timer === "look-again") return this.#publication.lookAgain(now);
    if (timer === "reassert") return this.#publication.reassert();
    if (timer === "silence") return this.#lookForSilence(now);
    if (timer === "gather") return this.#beginRound(now);
    this.#serve(now);
  }

  /** `true` if a device reported under the offer, which proves that the broker passes it on. */
  get #isHeard(): boolean {
    return this.#ledger.counts.heard > 0;
  }

  /** Ends at the deadline. If the broker withheld something, that explains why no device was heard. */
  #endInTime(): void {
    if (this.#isHeard) return this.#finish("timeout");
    const { unacknowledged, missing, isPublished } = this.#publication;
    if (this.#connected && unacknowledged.length > 0) return this.#finish("unacknowledged", { topics: unacknowledged });
    if (isPublished && missing.length > 0) return this.#finish("not-retained", { topics: missing });
    this.#finish("no-device");
  }

  #giveUpPublish(id: number, now: number): void {
    const result = this.#publication.giveUp(id, this.#isHeard);
    if (result === "published") this.#readBack(now);
    else if (result !== undefined) this.#finish("unacknowledged", { topics: [result.topic] });
  }

  #readBack(now: number): void {
    const { missing } = this.#publication;
    const result = this.#publication.readBack(this.#isHeard, now);
    if (result === "not-retained") this.#finish("not-retained", { topics: missing });
    else if (result === "stands") this.#takeStanding();
  }

  /** The broker keeps the offer. */
  #takeStanding(): void {
    if (this.#options.wait === "none") this.#finish("offered");
    if (this.#options.wait === "cancelled") this.#out.push({ type: "offered" });
  }

  #takeAnnouncement(event: Extract<SenderEvent, { type: "announcement" }>): void {
    if (this.#phase === "idle" || !this.#connected) return;
    const news = this.#publication.take(event);
    if (news.type === "device-lost") {
      this.#showAll(this.#reports.lose(news.device, news.by, event.now));
      this.#endIfOver(event.now);
    } else if (news.type === "superseded" || news.type === "withdrawn" || news.type === "number-taken") {
      return this.#finish(news.type, { by: news.by });
    }
    if (this.#out.timerAt("read-back") !== undefined && this.#publication.missing.length === 0)
      this.#readBack(event.now);
  }

  #showAll(progress: readonly DeviceProgress[]): void {
    for (const device of progress) this.#out.push({ type: "progress", device });
  }

  #takeState(event: Extract<SenderEvent, { type: "state" }>): void {
    if (this.#phase === "idle") return;
    const known = this.#ledger.find(event.device);
    // A device without a report listens since its first request.
    const wasListening = known?.state === undefined || (known.online && known.state === "downloading");
    if (known !== undefined && !this.#admits(known, known.reports, REPORTS_PER_MINUTE, event.now)) return;
    const result = this.#reports.take(event);
    if (result.type === "malformed") return this.#counters.drop("malformed");
    const entry = this.#ledger.find(event.device);
    if (entry !== undefined) this.#flow.reported(entry, wasListening, event.now);
    this.#showAll(result.progress);
    this.#endIfOver(event.now);
  }

  #takeRequest(device: string, payload: Uint8Array, now: number): void {
    if (this.#phase === "idle") return;
    const request = isDeviceId(device) ? readMessage(parseRequest, payload) : undefined;
    if (request === undefined) return this.#counters.drop("malformed");
    if (request.image !== this.#imageId) return this.#counters.drop("other-image");
    this.#counters.request();
    const { entry, progress } = this.#reports.hear(device, now);
    this.#showAll(progress);
    const isNews = request.missing_count < entry.leastLacking;
    entry.leastLacking = Math.min(entry.leastLacking, request.missing_count);
    if (!isNews && !this.#admits(entry, entry.requests, REQUESTS_PER_MINUTE, now)) return;
    this.#counters.answered(this.#flow.ask(entry, request, now));
    this.#serve(now);
  }

  #hearChunk({ payload, isForAll, now }: Extract<SenderEvent, { type: "chunk" }>): void {
    const chunk = readMessage(parseChunk, payload);
    if (chunk === undefined) return this.#counters.drop("malformed");
    if (!this.#imageId.startsWith(chunk.image)) return this.#counters.drop("other-image");
    this.#flow.hear(chunk.index, isForAll, now);
  }

  /** Returns `true` if a device has a message of this kind left. Otherwise drops the message and marks the device noisy. */
  #admits(entry: DeviceEntry, allowance: Allowance, perMinute: number, now: number): boolean {
    if (spendAllowance(allowance, perMinute, now)) return true;
    this.#counters.drop("noisy");
    if (entry.isNoisy) return false;
    entry.isNoisy = true;
    if (entry.named || entry.state !== undefined) this.#showAll([this.#reports.progressOf(entry)]);
    return false;
  }

  #lookForSilence(now: number): void {
    const gone = this.#silence.look(this.#connected, now);
    this.#showAll(gone.map((entry) => this.#reports.progressOf(entry)));
    this.#endIfOver(now);
  }

  #endIfOver(now: number): void {
    if (this.#options.wait === "cancelled") return;
    const { counts, named } = this.#ledger;
    const end = endOf({ counts, named, count: this.#options.expected.count, newestAt: this.#reports.newestAt }, now);
    if (end.type === "over") this.#finish(end.reason);
    if (end.type === "settling" && end.until < (this.#out.timerAt("silence") ?? Number.POSITIVE_INFINITY)) {
      this.#out.setTimer("silence", end.until);
    }
  }

  /** Sends what pace and window let through once the offer is published, and sets the timers for the rest. */
  #serve(now: number): void {
    if (this.#phase !== "started" || !this.#publication.isPublished) return;
    for (;;) {
      const next = this.#flow.next(now);
      if (next === undefined) break;
      if (next.type === "wait") {
        if (this.#out.timerAt("pace") !== next.until) this.#out.setTimer("pace", next.until);
        break;
      }
      this.#readChunk(next.index, next.device);
    }
    if (!this.#flow.gathering) return;
    const gatherAt = now + this.#gatherMs();
    if (gatherAt === now) return this.#beginRound(now);
    if (gatherAt < (this.#out.timerAt("gather") ?? Number.POSITIVE_INFINITY)) this.#out.setTimer("gather", gatherAt);
  }

  /**
   * Returns how long requests are gathered. Before the first round devices wait for their part of the spread: one that asks
   * after it began would miss what was sent. Once all expected devices asked, nobody is missing.
   */
  #gatherMs(): number {
    const { expected, spreadMs = 0 } = this.#options;
    const count = expected.devices?.length ?? expected.count ?? Number.POSITIVE_INFINITY;
    const isFirst = this.#flow.round === 0 && this.#flow.asked < count;
    return this.#timing.gatherMs + (isFirst ? spreadMs : 0);
  }

  #beginRound(now: number): void {
    if (this.#flow.round === 0) {
      this.#gatheredAt ??= now;
      if (this.#ledger.isChecking && now < this.#gatheredAt + CHECKING_MAX_MS) {
        return this.#out.setTimer("gather", now + CHECKING_AGAIN_MS);
      }
    }
    const readyAt = this.#flow.roundReadyAt(now);
    if (readyAt > now) return this.#out.setTimer("gather", readyAt);
    this.#flow.beginRound(now);
    this.#serve(now);
  }

  #readChunk(index: number, device: string | undefined): void {
    const id = this.#out.newId();
    this.#flow.sent(id, index, device);
    this.#out.push({ type: "read-chunk", id, index });
  }

  /** Publishes a chunk that was read, unless the connection was lost since: then the flow asks for it again. */
  #sendChunk(id: number, bytes: Uint8Array): void {
    const chunk = this.#flow.find(id);
    if (chunk === undefined) return;
    const { index, device } = chunk;
    const payload = this.#chunks.build(index, bytes);
    // A lone device hears both topics; others that are about to join profit from the image's.
    const alone = device === undefined || this.#ledger.known <= 1;
    const topic = alone ? this.#topics.imageChunk(this.#imageId) : this.#topics.deviceChunk(device);
    this.#out.push({ type: "publish", topic, payload, qos: this.#options.qos, retain: false, id });
    this.#counters.sent(payload.length);
  }

  #finish(reason: DeliveryOutcome["reason"], why: Pick<DeliveryOutcome, "by" | "topics"> = {}): void {
    this.#out.clearTimers();
    this.#phase = "done";
    this.#out.push({ type: "done", outcome: { reason, devices: this.devices, stats: this.stats, ...why } });
  }
}
