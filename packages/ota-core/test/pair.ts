import { toHex } from "../src/bytes.ts";
import { buildHashList } from "../src/messages/hash-list.ts";
import { CHUNK_SIZE } from "../src/messages/timing.ts";
import { parseTopic, topicsOf } from "../src/messages/topics.ts";
import { Sender } from "../src/sender/sender.ts";
import type { DeliveryOutcome, SenderEvent } from "../src/sender/sender-events.ts";
import type { SenderOptions } from "../src/sender/sender-options.ts";
import { sha256 } from "../src/sha256.ts";
import { BenchDevice } from "./bench-device.ts";
import { offerOf, PRODUCT, releaseOf, TOPIC_ROOT } from "./bench-offer.ts";

/** How bad the wire between broker and clients is. All of it ends with the run's limit; nothing is for ever. */
export interface Wire {
  /** Probability, per chunk and listener, of being lost; the rest travels at QoS 1, in order. */
  readonly loss: number;
  readonly duplication: number;
  /** Chunks are delayed by up to so many milliseconds, so that they overtake each other; MQTT keeps topics in order. */
  readonly jitterMs: number;
}

interface Due {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * One Sender and some Receivers on a simulated wire, in virtual time: `run` jumps from one due thing to the next.
 * Everything random comes from `random`, so that a seed is a run.
 */
export class Pair {
  now = 0;
  readonly devices: BenchDevice[] = [];
  readonly chunksPublished = new Map<number, number>();
  outcome: DeliveryOutcome | undefined;
  lost = 0;
  #order = 0;
  readonly #queue: Due[] = [];
  readonly #retained = new Map<string, Uint8Array>();
  readonly #subscriptions = new Map<BenchDevice, Set<string>>();
  readonly #timers = new Map<string, number>();
  readonly #sender: Sender;
  readonly #image: Uint8Array;
  readonly #wire: Wire;
  readonly #random: () => number;

  constructor(image: Uint8Array, running: Uint8Array, deviceCount: number, wire: Wire, random: () => number) {
    this.#wire = wire;
    this.#random = random;
    this.#image = image;
    const offer = offerOf(releaseOf(image), { probation_ms: 10_000 });
    const options: SenderOptions = {
      topicRoot: TOPIC_ROOT,
      offerId: "00112233445566778899aabbccddeeff",
      counter: [1, 1],
      offerEnvelope: offer,
      offerTopics: [topicsOf(TOPIC_ROOT).offer],
      image: { sha256: toHex(sha256(image)), sizeBytes: image.length, hashList: buildHashList(image) },
      expected: { devices: Array.from({ length: deviceCount }, (_, index) => `bench-${index + 1}`) },
      wait: "confirmed",
      timeoutMs: 3_600_000,
      rate: 0,
      qos: 0,
    };
    this.#sender = new Sender(options);
    for (let index = 0; index < deviceCount; index++) this.#addDevice(`bench-${index + 1}`, running);
  }

  /** @returns How the delivery ended, or `undefined` if it did not within the limit. */
  run(limitMs = 3_600_000): DeliveryOutcome | undefined {
    this.#feedSender({ type: "start" });
    this.#feedSender({ type: "connected" });
    for (const device of this.devices) {
      device.boot(true);
      device.feed({ type: "connected" });
    }
    for (let step = 0; step < 1_000_000 && this.outcome === undefined; step++) {
      const due = this.#takeNext();
      if (due === undefined || due.at > limitMs) return undefined;
      this.now = Math.max(this.now, due.at);
      due.run();
    }
    return this.outcome;
  }

  #addDevice(id: string, running: Uint8Array): void {
    const device: BenchDevice = new BenchDevice({
      receiver: {
        device: id,
        topicRoot: TOPIC_ROOT,
        product: PRODUCT,
        chipId: 0,
        allowUnsigned: true,
        random: this.#random,
      },
      running,
      now: () => this.now,
      onAction: (action) => {
        switch (action.type) {
          case "publish":
            return this.#publish(action.topic, action.payload, action.retain);
          case "subscribe":
            this.#subscriptions.get(device)?.add(action.topic);
            return this.#deliverRetained(device, action.topic);
          case "unsubscribe":
            this.#subscriptions.get(device)?.delete(action.topic);
            return;
          case "set-timer": {
            const key = `${id} ${action.timer}`;
            return this.#setTimer(key, action.at, () => device.feed({ type: "timer", timer: action.timer }));
          }
          case "clear-timer":
            this.#timers.delete(`${id} ${action.timer}`);
            return;
          case "reboot":
          case "roll-back":
            return this.#schedule(2_000, () => this.#restart(device, id));
          default:
            return;
        }
      },
    });
    this.#subscriptions.set(device, new Set());
    this.devices.push(device);
  }

  #restart(device: BenchDevice, id: string): void {
    this.#subscriptions.set(device, new Set());
    for (const key of [...this.#timers.keys()]) if (key.startsWith(`${id} `)) this.#timers.delete(key);
    device.boot(true);
    device.feed({ type: "connected" });
    device.feed({ type: "self-test", passed: true });
  }

  #feedSender(event: SenderEvent extends infer E ? (E extends unknown ? Omit<E, "now"> : never) : never): void {
    for (const action of this.#sender.handle({ ...event, now: this.now } as SenderEvent)) {
      switch (action.type) {
        case "publish":
          this.#publish(action.topic, action.payload, action.retain);
          this.#schedule(1, () => this.#feedSender({ type: "drained", id: action.id }));
          break;
        case "read-chunk": {
          const bytes = this.#image.subarray(action.index * CHUNK_SIZE, (action.index + 1) * CHUNK_SIZE);
          this.#feedSender({ type: "chunk-read", id: action.id, bytes });
          break;
        }
        case "set-timer":
          this.#setTimer(`sender ${action.timer}`, action.at, () => {
            this.#feedSender({ type: "timer", timer: action.timer });
          });
          break;
        case "clear-timer":
          this.#timers.delete(`sender ${action.timer}`);
          break;
        case "done":
          this.outcome = action.outcome;
          break;
        case "subscribe":
          this.#giveBack(action.topic);
          break;
        case "progress":
        case "offered":
          break;
      }
    }
  }

  /** Sends the sender what is retained on a topic. */
  #giveBack(topic: string): void {
    const payload = this.#retained.get(topic);
    if (payload === undefined) return;
    this.#schedule(1, () => this.#feedSender({ type: "announcement", topic, payload, retained: true }));
  }

  #publish(topic: string, payload: Uint8Array, retain: boolean): void {
    if (retain) this.#retained.set(topic, payload);
    const parsed = parseTopic(TOPIC_ROOT, topic);
    if (parsed?.kind === "request") {
      return this.#send(false, () => this.#feedSender({ type: "request", device: parsed.device, payload }));
    }
    if (parsed?.kind === "state") {
      const { device } = parsed;
      return this.#send(false, () => this.#feedSender({ type: "state", device, payload, retained: false }));
    }
    if (parsed?.kind === "image-chunk") {
      const index = new DataView(payload.buffer, payload.byteOffset).getUint32(12, true);
      this.chunksPublished.set(index, (this.chunksPublished.get(index) ?? 0) + 1);
    }
    for (const device of this.devices) {
      if (this.#subscriptions.get(device)?.has(topic)) this.#deliver(device, topic, payload, false);
    }
  }

  #deliverRetained(device: BenchDevice, topic: string): void {
    const payload = this.#retained.get(topic);
    if (payload !== undefined) this.#deliver(device, topic, payload, true);
  }

  #deliver(device: BenchDevice, topic: string, payload: Uint8Array, retained: boolean): void {
    const parsed = parseTopic(TOPIC_ROOT, topic);
    const isChunk = parsed?.kind === "image-chunk" || parsed?.kind === "device-chunk";
    this.#send(isChunk, () => {
      if (!this.#subscriptions.get(device)?.has(topic)) return;
      if (parsed?.kind === "hashes") device.feed({ type: "hashes", image: parsed.image, payload });
      else if (isChunk) device.feed({ type: "chunk", payload });
      else device.feed({ type: "offer", payload, retained });
    });
  }

  #send(isChunk: boolean, run: () => void): void {
    if (!isChunk) return this.#schedule(1, run);
    if (this.#random() < this.#wire.loss) {
      this.lost++;
      return;
    }
    const copies = this.#random() < this.#wire.duplication ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) this.#schedule(1 + Math.floor(this.#random() * this.#wire.jitterMs), run);
  }

  #setTimer(key: string, at: number, run: () => void): void {
    const order = this.#order;
    this.#timers.set(key, order);
    this.#schedule(at - this.now, () => {
      if (this.#timers.get(key) !== order) return; // cleared, or set anew
      this.#timers.delete(key);
      run();
    });
  }

  #schedule(delayMs: number, run: () => void): void {
    this.#queue.push({ at: this.now + Math.max(0, delayMs), order: this.#order++, run });
  }

  #takeNext(): Due | undefined {
    let best = 0;
    for (const [index, due] of this.#queue.entries()) {
      const first = this.#queue[best]!;
      if (due.at < first.at || (due.at === first.at && due.order < first.order)) best = index;
    }
    return this.#queue.splice(best, 1)[0];
  }
}
