import { expect, test } from "vitest";
import { BenchDevice } from "../../test/bench-device.ts";
import { PRODUCT, releaseOf, TOPIC_ROOT } from "../../test/bench-offer.ts";
import { keySetOf, OPERATOR, provisioned, ROOT, signedOffer, travelling } from "../../test/bench-trust.ts";
import { buildAppImage } from "../image/build-app-image.ts";
import { parseEnvelope } from "../messages/envelope.ts";
import { parseTopic, topicsOf } from "../messages/topics.ts";
import { verifySignature } from "../signing/signature-verifier.ts";

const OLD = buildAppImage({ chip: "esp32", version: "1.0.0", projectName: "bench", sizeBytes: 20_000, seed: 1 });
const NEW = buildAppImage({ chip: "esp32", version: "1.1.0", projectName: "bench", sizeBytes: 30_000, seed: 2 });
const TOPICS = topicsOf(TOPIC_ROOT);
const KEYS = provisioned();
const HONEST_OFFER = signedOffer(releaseOf(NEW));
const HONEST_KEY_SET = keySetOf(2);

/** More than any device remembers, so that each costs verifications every time. */
const FORGERIES = 64;

/** Messages with `count` signatures that no key made, though they name one that counts. */
function forgeriesOf(honest: (index: number) => Uint8Array, keyid: string, count: number): readonly Uint8Array[] {
  return Array.from({ length: FORGERIES }, (_, index) => {
    const sigs = Array.from({ length: count }, (_, each) => new Uint8Array(70).fill(1 + index + each));
    const signatures = sigs.map((sig) => ({ keyid, alg: "ecdsa-p256-sha256", sig }));
    return travelling({ payload: parseEnvelope(honest(index)).payload, signatures });
  });
}

const FORGED_OFFERS = forgeriesOf((index) => signedOffer(null, { sequence: 2 + index }), OPERATOR.keyid, 4);
const FORGED_KEY_SETS = forgeriesOf(() => HONEST_KEY_SET, ROOT.keyid, 4);

/** One device, its broker and whoever publishes, in virtual time. */
class World {
  now = 0;
  readonly device: BenchDevice;
  /** Called when the device asks the broker for what it retains, before the broker hears of it. */
  onAsk: () => void = () => undefined;
  /** Called when the device sets its timer, with the time at which it fires. */
  onTimer: (at: number) => void = () => undefined;
  readonly #halfRoundTripMs: number;
  readonly #retained = new Map<string, Uint8Array>();
  readonly #subscribed = new Set<string>();
  #queue: { readonly at: number; readonly run: () => void }[] = [];

  constructor(roundTripMs: number) {
    this.#halfRoundTripMs = Math.ceil(roundTripMs / 2);
    this.device = new BenchDevice({
      receiver: {
        device: "bench-1",
        topicRoot: TOPIC_ROOT,
        product: PRODUCT,
        chipId: 0,
        allowUnsigned: false,
        keySet: KEYS,
        random: () => 0,
      },
      // Forged signatures are of one byte repeated: no need to spend the time of a real verification on them.
      verify: (key, message, sig) => sig.some((byte) => byte !== sig[0]) && verifySignature(key, message, sig),
      running: OLD,
      now: () => this.now,
      onAction: (action) => {
        if (action.type === "set-timer" && action.timer === "verify") {
          this.onTimer(action.at);
          this.at(action.at, () => this.device.feed({ type: "timer", timer: "verify" }));
        }
        if (action.type !== "subscribe") return;
        const { topic } = action;
        if (topic === TOPICS.offer) this.onAsk();
        this.at(this.now + this.#halfRoundTripMs, () => this.#subscribe(topic));
      },
    });
    this.device.boot(true);
    this.device.feed({ type: "connected" });
  }

  at(time: number, run: () => void): void {
    const index = this.#queue.findLastIndex(({ at }) => at <= time) + 1;
    this.#queue.splice(index, 0, { at: time, run });
  }

  /** The broker takes a message now. */
  publish(topic: string, payload: Uint8Array, retain: boolean): void {
    if (retain) this.#retained.set(topic, payload);
    if (this.#subscribed.has(topic)) this.#deliver(topic, payload, false);
  }

  /** Lets time pass until `isDone`, and returns the time; `undefined` if it is not so before `limit`. */
  run(isDone: () => boolean, limit: number): number | undefined {
    for (let next = this.#queue.shift(); next !== undefined && next.at <= limit; next = this.#queue.shift()) {
      this.now = next.at;
      next.run();
      if (isDone()) return this.now;
    }
    return undefined;
  }

  #subscribe(topic: string): void {
    this.#subscribed.add(topic);
    const payload = this.#retained.get(topic);
    if (payload !== undefined) this.#deliver(topic, payload, true);
  }

  #deliver(topic: string, payload: Uint8Array, retained: boolean): void {
    const type = parseTopic(TOPIC_ROOT, topic)?.kind === "keys" ? "key-set" : "offer";
    this.at(this.now + this.#halfRoundTripMs, () => this.device.feed({ type, payload, retained }));
  }
}

/** What floods the device: `send` publishes the next forgery, live. */
type Attack = (world: World, send: () => void, roundTripMs: number) => void;

function floodFrom(world: World, from: number, everyMs: number, send: () => void): void {
  world.at(from, () => {
    send();
    floodFrom(world, from + everyMs, everyMs, send);
  });
}

const ATTACKS: Readonly<Record<string, Attack>> = {
  "paced, then faster than the round trip": (world, send, roundTripMs) => {
    for (let index = 0; index < 17; index++) world.at(100 + 3_500 * index, send);
    floodFrom(world, 60_000, Math.ceil(roundTripMs / 2), send);
  },
  bursty: (world, send) => {
    floodFrom(world, 20, 500, () => {
      for (let index = 0; index < 20; index++) world.at(world.now + index, send);
    });
  },
  "phase-locked to what the device does": (world, send, roundTripMs) => {
    const burst = (around: number): void => {
      for (let index = -10; index <= 10; index++) {
        world.at(Math.max(world.now, around + Math.floor((index * roundTripMs) / 4)), send);
      }
    };
    floodFrom(world, 10, 5_000, send);
    world.onAsk = () => burst(world.now + Math.ceil(roundTripMs / 2));
    world.onTimer = (at) => burst(at - Math.ceil(roundTripMs / 2));
  },
};

const SCENARIOS = Object.keys(ATTACKS).flatMap((name) =>
  (["offer", "device-offer", "key-set"] as const).flatMap((kind) =>
    [5, 20, 80, 200].map((roundTripMs) => ({ name, kind, roundTripMs })),
  ),
);

/** When the honest message is published, in milliseconds since the device connected. */
const HONEST_AT = [0, 59_000, 97_000];

test.for(SCENARIOS)(
  "takes an honest $kind within two minutes of a flood: $name, $roundTripMs ms",
  ({ name, kind, roundTripMs }) => {
    for (const honestAt of HONEST_AT) {
      const world = new World(roundTripMs);
      const isKeySet = kind === "key-set";
      const own = isKeySet ? TOPICS.keys(2) : kind === "offer" ? TOPICS.offer : TOPICS.deviceOffer("bench-1");
      const other = kind === "offer" ? TOPICS.deviceOffer("bench-1") : TOPICS.offer;
      const forgeries = isKeySet ? FORGED_KEY_SETS : FORGED_OFFERS;
      let sent = 0;
      const next = (): Uint8Array => forgeries[sent++ % FORGERIES] as Uint8Array;
      ATTACKS[name]?.(world, () => world.publish(own, next(), false), roundTripMs);
      // On a topic that is not the honest sender's, the attacker's message is also the one that the broker retains.
      if (!isKeySet) floodFrom(world, 5, 1_000, () => world.publish(other, next(), true));
      world.at(honestAt, () => world.publish(own, isKeySet ? HONEST_KEY_SET : HONEST_OFFER, true));
      const isTaken = (): boolean =>
        isKeySet
          ? world.device.receiver.report(true).key_set === 2
          : world.device.receiver.report(true).accepted[1] === 1;
      const takenAt = world.run(isTaken, honestAt + 120_000);
      expect(takenAt, `published at ${honestAt} ms`).toBeDefined();
    }
  },
);

test("asks the broker at most once a minute for what it retains, however it is flooded", () => {
  const world = new World(20);
  const asks: number[] = [];
  let timersSet = 0;
  world.onAsk = () => asks.push(world.now);
  world.onTimer = () => timersSet++;
  let sent = 0;
  floodFrom(world, 10, 40, () => world.publish(TOPICS.offer, FORGED_OFFERS[sent++ % FORGERIES] as Uint8Array, false));
  world.run(() => false, 630_000);
  expect(asks.length).toBeGreaterThanOrEqual(9);
  expect(timersSet, "one for each time it asked, and the one under way").toBe(asks.length + 1);
  for (const [index, at] of asks.entries()) {
    if (index > 0) expect(at - (asks[index - 1] ?? 0)).toBeGreaterThanOrEqual(60_000);
  }
});
