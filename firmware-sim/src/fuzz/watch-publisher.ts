import {
  type DeviceRequest,
  isOtaError,
  parseChunk,
  parseRequest,
  parseTopic,
  readStateReport,
  type SenderEvent,
} from "@tinybms/ota-core";
import type { WorldPublisher } from "../simulation/publisher-in-world.ts";
import { BrokenInvariant } from "./invariants.ts";
import { ChunkWatch, type GivenPace } from "./watch-chunks.ts";

/** Timers of a sender that don't send chunks. */
const IDLE_TIMERS: ReadonlySet<string> = new Set(["silence", "read-back", "look-again", "reassert", "deadline"]);
/** A chunk that left so shortly before a request may still be on its way to the device, in milliseconds. */
const JUST_SENT_MS = 30_000;
/** The same while devices receive chunks, and the time for which a report says that they do. */
const JUST_SENT_GROWING_MS = 120_000;
const GROWING_MS = 30_000;
/** Requests of a device that its credit pays for in any case. */
const PAID_REQUESTS = 3;
/** Publishes that may wait for an acknowledgment: the window of chunks, offers and the hash list. */
const IN_FLIGHT_MAX = 48;

/** A publisher whose events and actions are checked. */
export class WatchedPublisher implements WorldPublisher {
  readonly #publisher: WorldPublisher;
  readonly #topicRoot: string;
  readonly #chunks: ChunkWatch;
  /** Publishes without an acknowledgment, with the index of those that are chunks. */
  readonly #inFlight: Map<number, number | undefined> = new Map();
  readonly #timers: Set<string> = new Set();
  readonly #isUnpaced: boolean;
  /** Chunks that each device asked for, and that were not sent since. */
  readonly #owed: Map<string, Set<number>> = new Map();
  /** Devices whose requests are answered in parts. */
  readonly #inParts: Set<string> = new Set();
  readonly #requests: Map<string, number> = new Map();
  readonly #sentAt: Map<number, number> = new Map();
  /** Most chunks that each device reported. */
  readonly #received: Map<string, number> = new Map();
  #grewAt = Number.NEGATIVE_INFINITY;
  #isConnected = false;
  #isDone = false;
  /** Chunks published so far. */
  chunksSent = 0;

  constructor(publisher: WorldPublisher, topicRoot: string, pace: GivenPace) {
    this.#publisher = publisher;
    this.#topicRoot = topicRoot;
    this.#chunks = new ChunkWatch(pace);
    this.#isUnpaced = pace.rate === 0;
  }

  /** Passes an event on. @throws BrokenInvariant */
  handle(event: SenderEvent): ReturnType<WorldPublisher["handle"]> {
    this.#note(event);
    const actions = this.#publisher.handle(event);
    for (const action of actions) {
      if (action.type === "publish") this.#onPublish(action, event.now);
      else if (action.type === "set-timer") this.#onTimer(action.timer, action.at - event.now);
      else if (action.type === "clear-timer") this.#timers.delete(action.timer);
      else if (action.type === "done") this.#isDone = true;
    }
    this.#check();
    return actions;
  }

  #note(event: SenderEvent): void {
    if (event.type === "timer") this.#timers.delete(event.timer);
    if (event.type === "drained") this.#inFlight.delete(event.id);
    if (event.type === "connected") this.#isConnected = true;
    if (event.type === "disconnected") {
      this.#isConnected = false;
      for (const index of this.#inFlight.values()) if (index !== undefined) this.#chunks.due(index);
      this.#inFlight.clear();
      this.#owed.clear();
    }
    if (event.type === "state") this.#onState(event);
    if (event.type === "request") this.#onRequest(event);
  }

  #onState({ device, payload, now }: Extract<SenderEvent, { type: "state" }>): void {
    const received = readStateReport(payload)?.received ?? 0;
    if (received <= (this.#received.get(device) ?? 0)) return;
    this.#received.set(device, received);
    this.#grewAt = now;
  }

  #onRequest({ device, payload, now }: Extract<SenderEvent, { type: "request" }>): void {
    const made = (this.#requests.get(device) ?? 0) + 1;
    this.#requests.set(device, made);
    const request = requestOf(payload);
    if (request === undefined) return;
    const chunks = request.missing.flatMap(([first, count]) =>
      Array.from({ length: count }, (_, index) => first + index),
    );
    for (const index of chunks) this.#chunks.due(index);
    if (made > PAID_REQUESTS) return;
    const justSentMs = now < this.#grewAt + GROWING_MS ? JUST_SENT_GROWING_MS : JUST_SENT_MS;
    const isJustSent = (index: number) => (this.#sentAt.get(index) ?? Number.NEGATIVE_INFINITY) >= now - justSentMs;
    // An answer within the device's window leaves something for later, and so does one that follows another shortly.
    const isInParts = this.#isUnpaced || request.unicast === true;
    if (isInParts && chunks.some(isJustSent)) return;
    const owed = new Set(chunks.filter((index) => !isJustSent(index)));
    if (owed.size > 0) this.#owed.set(device, owed);
    if (isInParts) this.#inParts.add(device);
    else this.#inParts.delete(device);
  }

  #onPublish({ topic, payload, id }: { topic: string; payload: Uint8Array; id: number }, now: number): void {
    const kind = parseTopic(this.#topicRoot, topic)?.kind;
    const index = kind === "image-chunk" || kind === "device-chunk" ? parseChunk(payload).index : undefined;
    this.#inFlight.set(id, index);
    if (index === undefined) return;
    this.chunksSent++;
    this.#chunks.sent(index, payload.length, now);
    this.#sentAt.set(index, now);
    for (const [device, owed] of this.#owed) {
      if (!owed.delete(index)) continue;
      if (owed.size === 0 || this.#inParts.has(device)) this.#owed.delete(device);
    }
  }

  #onTimer(timer: string, delayMs: number): void {
    this.#timers.add(timer);
    if (timer === "pace") this.#chunks.waits(delayMs);
  }

  #check(): void {
    if (this.#inFlight.size > IN_FLIGHT_MAX) {
      throw new BrokenInvariant("bounded", `the publisher waits for ${this.#inFlight.size} acknowledgments`);
    }
    const isBusy = [...this.#timers].some((timer) => !IDLE_TIMERS.has(timer));
    if (!this.#isConnected || this.#isDone || isBusy || this.#inFlight.size > 0) return;
    for (const [device, owed] of this.#owed) {
      throw new BrokenInvariant(
        "answered",
        `the publisher rests, and owes ${device} the chunks ${[...owed].join(", ")}`,
      );
    }
  }
}

function requestOf(payload: Uint8Array): DeviceRequest | undefined {
  try {
    return parseRequest(payload);
  } catch (error) {
    if (isOtaError(error)) return undefined;
    throw error;
  }
}
