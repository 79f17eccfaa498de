import { isOtaError, parseChunk, parseRequest, parseTopic, type SenderEvent } from "@tinybms/ota-core";
import type { WorldPublisher } from "../simulation/publisher-in-world.ts";
import { BrokenInvariant } from "./invariants.ts";

/** Timers of a sender that don't send chunks. */
const IDLE_TIMERS: ReadonlySet<string> = new Set(["silence", "read-back", "look-again", "reassert", "deadline"]);
/** A chunk that left so shortly before a request may still be on its way to the device, in milliseconds. */
const JUST_SENT_MS = 30_000;
/** Requests of a device that its credit pays for in any case. */
const PAID_REQUESTS = 3;
/** Publishes that may wait for an acknowledgment: the window of chunks, offers and the hash list. */
const IN_FLIGHT_MAX = 48;

type Ranges = readonly (readonly [first: number, count: number])[];

/** A publisher whose events and actions are checked. */
export class WatchedPublisher implements WorldPublisher {
  readonly #publisher: WorldPublisher;
  readonly #topicRoot: string;
  readonly #inFlight: Set<number> = new Set();
  readonly #timers: Set<string> = new Set();
  /** What each device asked for, until a part of it is sent. */
  readonly #owed: Map<string, Ranges> = new Map();
  readonly #requests: Map<string, number> = new Map();
  readonly #sentAt: Map<number, number> = new Map();
  #isConnected = false;
  #isDone = false;
  /** Chunks published so far. */
  chunksSent = 0;

  constructor(publisher: WorldPublisher, topicRoot: string) {
    this.#publisher = publisher;
    this.#topicRoot = topicRoot;
  }

  /** Passes an event on. @throws BrokenInvariant */
  handle(event: SenderEvent): ReturnType<WorldPublisher["handle"]> {
    this.#note(event);
    const actions = this.#publisher.handle(event);
    for (const action of actions) {
      if (action.type === "publish") this.#onPublish(action, event.now);
      else if (action.type === "set-timer") this.#timers.add(action.timer);
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
      this.#inFlight.clear();
      this.#owed.clear();
    }
    if (event.type === "request") this.#onRequest(event);
  }

  #onRequest({ device, payload, now }: Extract<SenderEvent, { type: "request" }>): void {
    const made = (this.#requests.get(device) ?? 0) + 1;
    this.#requests.set(device, made);
    if (made > PAID_REQUESTS) return;
    const ranges = rangesOf(payload);
    if (ranges === undefined || includesAny(ranges, this.#sentAt, now - JUST_SENT_MS)) return;
    this.#owed.set(device, ranges);
  }

  #onPublish({ topic, payload, id }: { topic: string; payload: Uint8Array; id: number }, now: number): void {
    this.#inFlight.add(id);
    const kind = parseTopic(this.#topicRoot, topic)?.kind;
    if (kind !== "image-chunk" && kind !== "device-chunk") return;
    this.chunksSent++;
    const { index } = parseChunk(payload);
    this.#sentAt.set(index, now);
    for (const [device, ranges] of this.#owed) if (includes(ranges, index)) this.#owed.delete(device);
  }

  #check(): void {
    if (this.#inFlight.size > IN_FLIGHT_MAX) {
      throw new BrokenInvariant("bounded", `the publisher waits for ${this.#inFlight.size} acknowledgments`);
    }
    const isBusy = [...this.#timers].some((timer) => !IDLE_TIMERS.has(timer));
    if (!this.#isConnected || this.#isDone || isBusy || this.#inFlight.size > 0) return;
    for (const [device, ranges] of this.#owed) {
      throw new BrokenInvariant("answered", `the publisher rests, and owes ${device} ${JSON.stringify(ranges)}`);
    }
  }
}

function rangesOf(payload: Uint8Array): Ranges | undefined {
  try {
    return parseRequest(payload).missing;
  } catch (error) {
    if (isOtaError(error)) return undefined;
    throw error;
  }
}

function includes(ranges: Ranges, index: number): boolean {
  return ranges.some(([first, count]) => index >= first && index < first + count);
}

function includesAny(ranges: Ranges, sentAt: ReadonlyMap<number, number>, since: number): boolean {
  for (const [index, at] of sentAt) if (at >= since && includes(ranges, index)) return true;
  return false;
}
