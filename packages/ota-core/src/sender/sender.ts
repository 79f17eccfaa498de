import { assert } from "../assert.ts";
import { isOtaError } from "../errors.ts";
import { ChunkBuilder } from "../messages/chunk.ts";
import { CHUNK_HASH_SIZE, chunkCountOf } from "../messages/hash-list.ts";
import { compareSequence } from "../messages/offer.ts";
import { parseRequest } from "../messages/request.ts";
import { parseStateReport } from "../messages/state-report.ts";
import { assertSenderTiming, SENDER_TIMING, type SenderTiming } from "../messages/timing.ts";
import { imageIdOf, isDeviceId, type Topics, topicsOf } from "../messages/topics.ts";
import type { StateReport } from "../schemas/types.generated.ts";
import { ChunkFlow } from "./chunk-flow.ts";
import { type DeliveryWait, endOf, verdictOf } from "./delivery-end.ts";
import { DEVICES_MAX, type DeviceEntry, DeviceLedger } from "./device-ledger.ts";
import { OfferStanding } from "./offer-standing.ts";
import { contradictionOf } from "./report-contradiction.ts";
import type {
  CompetingOffer,
  DeliveryOutcome,
  DeviceProgress,
  SenderAction,
  SenderEvent,
  SenderStats,
  SenderTimer,
} from "./sender-events.ts";

/** Chunks on their way at once, unless the options say otherwise. */
const WINDOW_DEFAULT = 32;

/** About what the flash of an ESP32 takes, in bytes a second. */
const RATE_DEFAULT = 65_536;

/** Devices are not looked through more often than this, in milliseconds. */
const LOOK_MIN_MS = 1_000;

/** How long to wait before the broker is asked again for what it retains, in milliseconds. */
const READ_BACK_AGAIN_MS = 1_000;

/** How long to wait before the broker is asked again about other offers, in milliseconds. */
const LOOK_AGAIN_MS = 1_000;

/** An offer that others overwrite is published again after so long, in milliseconds. */
const REASSERT_MS = 5_000;

/** What a {@link Sender} is made with. */
export interface SenderOptions {
  /** The channel's `topic`. */
  readonly topicRoot: string;
  /** Id of the offer: only reports that name it count. */
  readonly offerId: string;
  /** Epoch and sequence of the offer. */
  readonly counter: readonly [epoch: number, sequence: number];
  /** The signed offer, as it is published. */
  readonly offerEnvelope: Uint8Array;
  /** Where the offer is published: the product's topic, or own topics of devices. */
  readonly offerTopics: readonly string[];
  /** The offers on topics whose devices get another part of it: a list of devices may be too long for one offer. */
  readonly offerParts?: ReadonlyMap<string, Uint8Array>;
  readonly image: {
    /** 64 hexadecimal digits. */
    readonly sha256: string;
    readonly sizeBytes: number;
    /** 16 bytes per chunk. */
    readonly hashList: Uint8Array;
  };
  /**
   * Reads an offer envelope that another publisher put on the offer topics. Returns `undefined` for one that devices
   * would not trust. Without this function the delivery does not notice other offers.
   */
  readonly readOffer?: (envelope: Uint8Array) => CompetingOffer | undefined;
  /** Whom the delivery waits for. Names go before a count; neither: whoever is heard. */
  readonly expected: { readonly devices?: readonly string[]; readonly count?: number };
  readonly wait: DeliveryWait;
  /** How long the whole delivery may take. */
  readonly timeoutMs: number;
  /** Bytes of chunk messages a second; 0: no limit. Default 65 536. */
  readonly rate?: number;
  /** QoS of chunks. */
  readonly qos: 0 | 1;
  /** Chunks that may be published and not drained yet. Default 32. */
  readonly window?: number;
  readonly timing?: Partial<SenderTiming>;
}

/**
 * Where a sender stands. From `offline` on it has started; each new connection goes through `hashes` and `offers` again.
 *
 *     idle ─start─▶ offline ─connected─▶ hashes ─drained─▶ offers ─drained─▶ serving ─▶ done
 *                      ◀──────────────disconnected──────────────────────────┘
 */
type Phase = "idle" | "offline" | "hashes" | "offers" | "serving" | "done";

/**
 * A publisher that delivers one image under one offer, as the protocol page describes it. It does no I/O: events come
 * in, actions go out, time comes with the event. It asks for the image's bytes by `read-chunk`.
 *
 * Nothing that came from outside makes `handle` throw or keep more than its bounds: 20 000 devices, one bit and one
 * reference per chunk, 1 024 answers to single devices, and `window` chunks on their way.
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
  readonly #timers = new Map<SenderTimer, number>();
  /** Topics of the offers that were published and not acknowledged yet, by id of the publish. */
  readonly #offersInFlight = new Map<number, string>();
  readonly #standing: OfferStanding;
  readonly #counters = { chunksSent: 0, bytesSent: 0, requests: 0, requestsMerged: 0 };
  readonly #dropped = { malformed: 0, "other-image": 0, "no-credit": 0, "too-many-devices": 0 };
  #phase: Phase = "idle";
  #connected = false;
  #connectedAt = 0;
  #startedAt = 0;
  #newestAt = 0;
  #nextId = 1;
  #hashesId = 0;
  #readBackUntil = 0;
  #actions: SenderAction[] = [];

  constructor(options: SenderOptions) {
    const { image, expected, timeoutMs, offerTopics } = options;
    const named = expected.devices ?? [];
    this.#timing = { ...SENDER_TIMING, ...options.timing };
    assertSenderTiming(this.#timing);
    assert(/^[0-9a-f]{64}$/i.test(image.sha256) && image.sizeBytes > 0, "an image has a hash and a size");
    assert(offerTopics.length > 0 && timeoutMs > 0, "an offer goes somewhere, and a delivery has time");
    assert(named.every(isDeviceId), "expected devices have names that fit into topics");
    this.#options = options;
    this.#topics = topicsOf(options.topicRoot);
    this.#imageId = imageIdOf(image.sha256);
    this.#chunks = new ChunkBuilder(this.#imageId);
    this.#chunkCount = chunkCountOf(image.sizeBytes);
    assert(image.hashList.length === this.#chunkCount * CHUNK_HASH_SIZE, "a hash list has one hash per chunk");
    this.#standing = new OfferStanding({
      ...options,
      productTopic: this.#topics.offer,
      hashesTopic: this.#topics.hashes(this.#imageId),
      hashList: image.hashList,
      readOffer: options.readOffer,
    });
    this.#ledger = new DeviceLedger({
      named,
      limit: Math.max(DEVICES_MAX, expected.count ?? 0),
      chunkCount: this.#chunkCount,
    });
    this.#flow = new ChunkFlow({
      chunkCount: this.#chunkCount,
      sizeBytes: image.sizeBytes,
      window: options.window ?? WINDOW_DEFAULT,
      rate: options.rate ?? RATE_DEFAULT,
      ledger: this.#ledger,
    });
  }

  /** What was counted so far. */
  get stats(): SenderStats {
    return {
      ...this.#counters,
      dropped: {
        ...this.#dropped,
        "too-many-devices": this.#dropped["too-many-devices"] + this.#ledger.forgotten,
      },
      repairRatio: Math.max(0, this.#counters.chunksSent / this.#chunkCount - 1),
    };
  }

  /** Devices waited for by name, and those heard under the offer. */
  get devices(): DeviceProgress[] {
    return this.#ledger.progress(this.#startedAt);
  }

  /**
   * Takes one event.
   *
   * @returns What to do, in order; nothing for an event that means nothing in the present state, or after `done`.
   */
  handle(event: SenderEvent): SenderAction[] {
    if (this.#phase === "done") return [];
    this.#actions = [];
    this.#dispatch(event);
    return this.#actions;
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
    this.#phase = "offline";
    this.#startedAt = now;
    this.#setTimer("deadline", now + this.#options.timeoutMs);
    if (this.#connected) this.#announce(now);
  }

  #connect(now: number): void {
    if (this.#connected) this.#disconnect();
    this.#connected = true;
    if (this.#phase === "offline") this.#announce(now);
  }

  /** Everything that a connection takes with it; what is known of devices stays. */
  #disconnect(): void {
    this.#connected = false;
    if (this.#phase === "idle") return;
    this.#phase = "offline";
    this.#offersInFlight.clear();
    this.#flow.rewind();
    for (const timer of ["gather", "pace", "silence", "read-back"] as const) this.#clearTimer(timer);
  }

  /**
   * Subscribes before anything is published, so that no answer is missed, nor an offer that replaced this one while the
   * connection was away. The offer waits for the hash list.
   */
  #announce(now: number): void {
    this.#phase = "hashes";
    // While we could not hear, silence means nothing.
    this.#connectedAt = now;
    this.#setTimer("silence", now + this.#timing.unreachableMs);
    this.#actions.push(
      { type: "subscribe", topic: this.#topics.requestFilter },
      { type: "subscribe", topic: this.#topics.stateFilter },
      ...this.#standing.watchedTopics.map((topic) => ({ type: "subscribe", topic }) as const),
    );
    this.#standing.restart();
    this.#hashesId = this.#publish(this.#topics.hashes(this.#imageId), this.#options.image.hashList, 1, true);
  }

  #drain(id: number, now: number): void {
    if (this.#phase === "hashes" && id === this.#hashesId) {
      this.#phase = "offers";
      for (const topic of this.#options.offerTopics) {
        this.#offersInFlight.set(this.#publish(topic, this.#standing.offerOn(topic), 1, true), topic);
      }
      return;
    }
    if (this.#phase === "offers" && this.#offersInFlight.delete(id) && this.#offersInFlight.size === 0) {
      this.#phase = "serving";
      this.#readBackUntil = now + this.#timing.readBackMs;
      this.#readBackAgain(now);
    }
    this.#flow.drained(id);
    this.#serve(now);
  }

  #fire(timer: SenderTimer, now: number): void {
    const at = this.#timers.get(timer);
    // One that was set anew or cleared may still have been under way, and clocks of platforms fire a little early.
    if (at === undefined) return;
    if (now < at) return this.#setTimer(timer, at);
    this.#timers.delete(timer);
    if (timer === "deadline") return this.#endInTime();
    if (timer === "read-back") return this.#readBackAgain(now);
    if (timer === "look-again") return this.#lookAgain(now);
    if (timer === "reassert") return this.#reassert();
    if (timer === "silence") return this.#lookForSilence(now);
    if (timer === "gather") this.#flow.beginRound();
    this.#serve(now);
  }

  /** Time is up. What the broker withheld explains the silence of devices better than the silence itself. */
  #endInTime(): void {
    if (this.#ledger.counts.heard > 0) return this.#finish("timeout");
    const unacknowledged = this.#unacknowledgedTopics();
    if (this.#connected && unacknowledged.length > 0) return this.#finish("unacknowledged", { topics: unacknowledged });
    const { missing } = this.#standing;
    if (this.#phase === "serving" && missing.length > 0) return this.#finish("not-retained", { topics: missing });
    this.#finish("no-device");
  }

  #unacknowledgedTopics(): string[] {
    if (this.#phase === "hashes") return [this.#topics.hashes(this.#imageId)];
    return this.#phase === "offers" ? [...this.#offersInFlight.values()] : [];
  }

  #giveUpPublish(id: number, now: number): void {
    const isHashes = this.#phase === "hashes" && id === this.#hashesId;
    const topic = isHashes ? this.#topics.hashes(this.#imageId) : this.#offersInFlight.get(id);
    if (topic === undefined) return;
    // Without the acknowledgement alone: who hears of the offer proves that it arrived.
    if (this.#ledger.counts.heard === 0) return this.#finish("unacknowledged", { topics: [topic] });
    this.#offersInFlight.delete(id);
    if (this.#offersInFlight.size > 0) return;
    this.#phase = "serving";
    this.#readBackAgain(now);
  }

  /**
   * Subscribes anew to the topics whose retained message has not come back, so that the broker sends it. Who hears of
   * the offer proves that the broker passes it on: then nothing is asked.
   */
  #readBackAgain(now: number): void {
    const { missing } = this.#standing;
    if (missing.length > 0 && this.#ledger.counts.heard === 0) {
      if (now >= this.#readBackUntil) return this.#finish("not-retained", { topics: missing });
      for (const topic of missing) this.#actions.push({ type: "subscribe", topic });
      return this.#setTimer("read-back", Math.min(this.#readBackUntil, now + READ_BACK_AGAIN_MS));
    }
    this.#clearTimer("read-back");
    if (this.#options.wait === "none") this.#finish("offered");
  }

  /** Takes a message on an offer topic or the hash list's: our own that comes back, or another publisher's offer. */
  #takeAnnouncement({ topic, payload, retained, now }: Extract<SenderEvent, { type: "announcement" }>): void {
    if (this.#phase === "idle" || this.#phase === "offline") return;
    const news = this.#standing.take(topic, payload, retained);
    if (news.type === "overwritten") {
      if (!this.#timers.has("reassert")) this.#setTimer("reassert", now + REASSERT_MS);
    } else if (news.type === "heard-of") {
      if (!this.#timers.has("look-again")) this.#lookAgain(now);
    } else if (news.type === "device-lost") this.#loseDevice(news.device, news.by, now);
    else if (news.type !== "nothing") return this.#finish(news.type, { by: news.by });
    if (this.#timers.has("read-back") && this.#standing.missing.length === 0) this.#readBackAgain(now);
  }

  /** Has the broker send what it retains where another offer was heard of. */
  #lookAgain(now: number): void {
    const topics = this.#standing.takeHeardOf();
    if (topics.length === 0 || !this.#connected) return;
    for (const topic of topics) this.#actions.push({ type: "subscribe", topic });
    this.#setTimer("look-again", now + LOOK_AGAIN_MS);
  }

  /** Puts the offer over an older one, so that devices that come later find it. */
  #reassert(): void {
    for (const topic of this.#standing.takeOverwritten()) {
      if (this.#connected) this.#publish(topic, this.#standing.offerOn(topic), 1, true);
    }
  }

  /** Another offer is in force for a device: it ends here. */
  #loseDevice(device: string, by: Pick<CompetingOffer, "counter" | "version">, now: number): void {
    const entry = this.#ledger.find(device);
    if (entry === undefined || entry.verdict !== undefined) return;
    const code = by.version === undefined ? "delivery/withdrawn" : "delivery/superseded";
    const message = `another offer (epoch ${by.counter[0]}, sequence ${by.counter[1]}) took the place of this one`;
    this.#ledger.fail(entry, { code, message }, now);
    this.#showProgress(entry);
    this.#endIfOver(now);
  }

  #takeRequest(device: string, payload: Uint8Array, now: number): void {
    if (this.#phase === "idle") return;
    const request = isDeviceId(device) ? this.#read(parseRequest, payload) : undefined;
    if (request === undefined) return this.#drop("malformed");
    if (request.image !== this.#imageId) return this.#drop("other-image");
    this.#counters.requests++;
    const result = this.#flow.ask(this.#hear(device, now), request, now);
    if (result === "merged") this.#counters.requestsMerged++;
    else if (result !== "taken") this.#drop(result);
    this.#serve(now);
  }

  /**
   * Takes over a report under this offer, whose id no other has: one that the broker kept is how the device answered while
   * nobody listened. Kept reports of other offers are history. A will says only that the device is gone.
   */
  #takeState({ device, payload, retained, now }: Extract<SenderEvent, { type: "state" }>): void {
    if (this.#phase === "idle") return;
    const report = isDeviceId(device) ? this.#read(parseStateReport, payload) : undefined;
    if (report === undefined || report.device !== device) return this.#drop("malformed");
    if (retained && report.offer !== this.#options.offerId) return;
    const known = this.#ledger.find(device);
    if (!report.online) {
      if (known?.online) {
        known.online = false;
        this.#showProgress(known);
      }
      return;
    }
    if (report.offer !== this.#options.offerId) {
      if (known !== undefined) this.#hearElsewhere(known, report, now);
      return;
    }
    const entry = this.#hear(device, now);
    if (entry.state === undefined) this.#newestAt = now;
    const { sha256 } = this.#options.image;
    const offered = { imageId: this.#imageId, sha256: sha256.toLowerCase(), counter: this.#options.counter };
    const fault = contradictionOf(report, offered);
    const changed =
      fault === undefined
        ? this.#ledger.report(entry, report, verdictOf(report.state, this.#options.wait), now)
        : this.#ledger.report(entry, contradictory(report, fault), "failed", now);
    if (changed) this.#showProgress(entry);
    this.#endIfOver(now);
  }

  /** A device that was on this offer and has accepted a later one does not come back to it. */
  #hearElsewhere(known: DeviceEntry, { device, accepted }: StateReport, now: number): void {
    this.#hear(device, now);
    const [epoch, sequence] = accepted;
    if (known.state === undefined || compareSequence([epoch, sequence], this.#options.counter) <= 0) return;
    this.#loseDevice(device, { counter: [epoch, sequence], version: "" }, now);
  }

  /** The entry of a device that is heard now; heard again, it is not unreachable any more. */
  #hear(device: string, now: number): DeviceEntry {
    const entry = this.#ledger.hear(device, now);
    if (this.#ledger.takeBack(entry, now)) this.#showProgress(entry);
    return entry;
  }

  #showProgress(entry: DeviceEntry): void {
    this.#actions.push({ type: "progress", device: this.#ledger.progressOf(entry, this.#startedAt) });
  }

  /** Gives up devices that were silent for too long, and looks again when the next one may have been. */
  #lookForSilence(now: number): void {
    const { gone, nextAt } = this.#ledger.giveUpSilent(now, this.#timing.unreachableMs, this.#connectedAt);
    for (const entry of gone) this.#showProgress(entry);
    this.#setTimer("silence", Math.max(nextAt, now + LOOK_MIN_MS));
    this.#endIfOver(now);
  }

  #endIfOver(now: number): void {
    const { counts, named } = this.#ledger;
    const end = endOf({ counts, named, count: this.#options.expected.count, newestAt: this.#newestAt }, now);
    if (end.type === "over") this.#finish(end.reason);
    if (end.type === "settling" && end.until < (this.#timers.get("silence") ?? Number.POSITIVE_INFINITY)) {
      this.#setTimer("silence", end.until);
    }
  }

  /** Sends what pace and window let through, and sets the timers for the rest. */
  #serve(now: number): void {
    if (this.#phase !== "serving") return;
    for (;;) {
      const next = this.#flow.next(now);
      if (next === undefined) break;
      if (next.type === "wait") {
        if (this.#timers.get("pace") !== next.until) this.#setTimer("pace", next.until);
        break;
      }
      this.#readChunk(next.index, next.device);
    }
    if (!this.#flow.gathering || this.#timers.has("gather")) return;
    if (this.#timing.gatherMs > 0) return this.#setTimer("gather", now + this.#timing.gatherMs);
    this.#flow.beginRound();
    this.#serve(now);
  }

  #readChunk(index: number, device: string | undefined): void {
    const id = this.#nextId++;
    this.#flow.sent(id, index, device);
    this.#actions.push({ type: "read-chunk", id, index });
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
    this.#actions.push({ type: "publish", topic, payload, qos: this.#options.qos, retain: false, id });
    this.#counters.chunksSent++;
    this.#counters.bytesSent += payload.length;
  }

  #publish(topic: string, payload: Uint8Array, qos: 0 | 1, retain: boolean): number {
    const id = this.#nextId++;
    this.#actions.push({ type: "publish", topic, payload, qos, retain, id });
    return id;
  }

  #setTimer(timer: SenderTimer, at: number): void {
    this.#timers.set(timer, at);
    this.#actions.push({ type: "set-timer", timer, at });
  }

  #clearTimer(timer: SenderTimer): void {
    if (this.#timers.delete(timer)) this.#actions.push({ type: "clear-timer", timer });
  }

  #drop(reason: keyof SenderStats["dropped"]): void {
    this.#dropped[reason]++;
  }

  #read<T>(parse: (payload: Uint8Array) => T, payload: Uint8Array): T | undefined {
    try {
      return parse(payload);
    } catch (error) {
      if (isOtaError(error)) return undefined;
      throw error;
    }
  }

  #finish(reason: DeliveryOutcome["reason"], why: Pick<DeliveryOutcome, "by" | "topics"> = {}): void {
    for (const timer of [...this.#timers.keys()]) this.#clearTimer(timer);
    this.#phase = "done";
    this.#actions.push({ type: "done", outcome: { reason, devices: this.devices, stats: this.stats, ...why } });
  }
}

/** A report that claims success and contradicts itself, as the failure that it is. */
function contradictory(report: StateReport, fault: string): StateReport {
  return { ...report, error: { code: "delivery/contradictory-report", message: `its report does not fit: ${fault}` } };
}
