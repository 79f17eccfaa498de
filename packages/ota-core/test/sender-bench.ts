import { expect } from "vitest";
import { toHex } from "../src/bytes.ts";
import { parseChunk } from "../src/messages/chunk.ts";
import { buildHashList } from "../src/messages/hash-list.ts";
import { buildRequest } from "../src/messages/request.ts";
import type { DeviceState } from "../src/messages/state-report.ts";
import { buildStateReport } from "../src/messages/state-report.ts";
import { CHUNK_SIZE } from "../src/messages/timing.ts";
import type { DeviceRequest, StateReport } from "../src/schemas/types.generated.ts";
import { Sender } from "../src/sender/sender.ts";
import type {
  DeliveryOutcome,
  DeviceProgress,
  SenderAction,
  SenderEvent,
  SenderTimer,
} from "../src/sender/sender-events.ts";
import type { SenderOptions } from "../src/sender/sender-options.ts";
import { sha256 } from "../src/sha256.ts";

export const CHUNKS = 10;
export const IMAGE = new Uint8Array((CHUNKS - 1) * CHUNK_SIZE + 100).map((_, offset) => offset * 7);
export const SHA256 = toHex(sha256(IMAGE));
export const IMAGE_ID = SHA256.slice(0, 32);
export const OFFER_ID = "0123456789abcdef0123456789abcdef";
export const OTHER_OFFER_ID = "ffffffffffffffffffffffffffffffff";
export const ROOT = "tinybms/gateway/ota";
export const ENVELOPE = new Uint8Array([0x7b, 0x7d]);
export const IMAGE_TOPIC = `${ROOT}/v1/image/${IMAGE_ID}/chunk`;

/** Options for an image of any number of full chunks; without `chunks`, for `IMAGE`. */
export function optionsOf(changes: Partial<SenderOptions> = {}, chunks?: number): SenderOptions {
  const image = chunks === undefined ? IMAGE : new Uint8Array(chunks * CHUNK_SIZE);
  return {
    topicRoot: ROOT,
    offerId: OFFER_ID,
    counter: [1, 1],
    offerEnvelope: ENVELOPE,
    offerTopics: [`${ROOT}/v1/offer`],
    image: { sha256: SHA256, sizeBytes: image.length, hashList: buildHashList(image) },
    expected: { devices: ["bench-1"] },
    wait: "confirmed",
    timeoutMs: 3_600_000,
    rate: 0,
    qos: 1,
    ...changes,
  };
}

export function requestOf(
  missing: [number, number][] = [[0, CHUNKS]],
  changes: Partial<DeviceRequest> = {},
): Uint8Array {
  const missing_count = missing.reduce((sum, [, count]) => sum + count, 0);
  return buildRequest({
    protocol: 1,
    image: IMAGE_ID,
    missing,
    missing_count,
    window: 0,
    unicast: false,
    ...changes,
  });
}

export function reportOf(device: string, state: DeviceState, changes: Partial<StateReport> = {}): Uint8Array {
  return buildStateReport({
    protocol: 1,
    device,
    state,
    offer: OFFER_ID,
    image: IMAGE_ID,
    version: "1.2.3",
    slot: "ota_0",
    running_sha256: SHA256,
    received: 0,
    total: CHUNKS,
    accepted: [1, 1],
    rollback: true,
    clock: false,
    online: true,
    boot_count: 1,
    ...changes,
  });
}

export type Publish = Extract<SenderAction, { type: "publish" }> & { readonly at: number };
export type Input = SenderEvent extends infer Event ? (Event extends SenderEvent ? Omit<Event, "now"> : never) : never;

/**
 * A sender with a clock, timers that fire when time is moved, and a broker that drains at once unless it is held, and
 * gives back what it retains unless it is `forgetful`.
 */
export class SenderBench {
  readonly sender: Sender;
  readonly published: Publish[] = [];
  readonly subscribed: string[] = [];
  readonly timers = new Map<SenderTimer, number>();
  readonly progress: DeviceProgress[] = [];
  undrained: Publish[] = [];
  now = 1_000;
  hold = false;
  forgetful = false;
  readonly retained = new Map<string, Uint8Array>();
  outcome: DeliveryOutcome | undefined;

  /** The image, as `read-chunk` finds it. */
  readonly #image: Uint8Array;

  constructor(options: SenderOptions) {
    this.sender = new Sender(options);
    const { sizeBytes } = options.image;
    this.#image = sizeBytes === IMAGE.length ? IMAGE : new Uint8Array(sizeBytes);
  }

  /** Started, connected, and the offer published. */
  static serving(changes: Partial<SenderOptions> = {}, chunks?: number): SenderBench {
    const bench = new SenderBench(optionsOf(changes, chunks));
    bench.give({ type: "start" });
    bench.give({ type: "connected" });
    return bench;
  }

  give(input: Input): SenderAction[] {
    const actions = this.sender
      .handle({ ...input, now: this.now } as SenderEvent)
      .flatMap((action) => this.#read(action));
    if (input.type === "disconnected") this.undrained = [];
    for (const action of actions) this.#perform(action);
    if (!this.hold) this.#giveBackAll(actions);
    while (!this.hold && this.undrained.length > 0) this.drain();
    return actions;
  }

  /** Answers `read-chunk` at once, and leaves other actions as they are. */
  #read(action: SenderAction): SenderAction[] {
    if (action.type !== "read-chunk") return [action];
    const bytes = this.#image.subarray(action.index * CHUNK_SIZE, (action.index + 1) * CHUNK_SIZE);
    return this.sender.handle({ type: "chunk-read", now: this.now, id: action.id, bytes });
  }

  drain(): void {
    const publish = this.undrained.shift();
    if (publish === undefined) return;
    if (publish.retain && !this.forgetful) this.retained.set(publish.topic, publish.payload);
    this.give({ type: "drained", id: publish.id });
  }

  giveBack(topic: string): void {
    const payload = this.retained.get(topic);
    if (payload !== undefined) this.give({ type: "announcement", topic, payload, retained: true });
  }

  /** A broker sends what it retains before it acknowledges what comes after the subscription. */
  #giveBackAll(actions: readonly SenderAction[]): void {
    this.hold = true;
    for (const action of actions) if (action.type === "subscribe") this.giveBack(action.topic);
    this.hold = false;
  }

  /** Moves the clock, firing timers in order. */
  wait(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const due = [...this.timers].sort((left, right) => left[1] - right[1])[0];
      if (due === undefined || due[1] > end) break;
      this.now = Math.max(this.now, due[1]);
      this.timers.delete(due[0]);
      this.give({ type: "timer", timer: due[0] });
    }
    this.now = end;
  }

  request(device: string, payload: Uint8Array = requestOf()): SenderAction[] {
    return this.give({ type: "request", device, payload });
  }

  report(device: string, state: DeviceState, changes: Partial<StateReport> = {}, retained = false): SenderAction[] {
    return this.give({ type: "state", device, payload: reportOf(device, state, changes), retained });
  }

  get chunks(): Publish[] {
    return this.published.filter(({ topic }) => topic.endsWith("/chunk"));
  }

  /** Indices of the chunks published so far, in order. */
  get indices(): number[] {
    return this.chunks.map(({ payload }) => parseChunk(payload).index);
  }

  #perform(action: SenderAction): void {
    expect(this.outcome).toBeUndefined(); // nothing follows `done`
    if (action.type === "publish") {
      const publish = { ...action, at: this.now };
      this.published.push(publish);
      this.undrained.push(publish);
    }
    if (action.type === "subscribe") this.subscribed.push(action.topic);
    if (action.type === "set-timer") this.timers.set(action.timer, action.at);
    if (action.type === "clear-timer") this.timers.delete(action.timer);
    if (action.type === "progress") this.progress.push(action.device);
    if (action.type === "done") this.outcome = action.outcome;
  }
}
