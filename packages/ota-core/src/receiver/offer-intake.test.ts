import { beforeEach, expect, test } from "vitest";
import { offerOf, PRODUCT, releaseOf, TOPIC_ROOT } from "../../test/bench-offer.ts";
import { buildAppImage } from "../image/build-app-image.ts";
import { topicsOf } from "../messages/topics.ts";
import { DEVICE_ALGORITHMS } from "../signing/public-key.ts";
import { type IntakeSituation, OfferIntake, type OfferIntakeStep } from "./offer-intake.ts";
import { OfferLedger } from "./offer-ledger.ts";
import { ReceiverCounters } from "./receiver-counters.ts";

const RUNNING = "ab".repeat(32);
const RELEASE = releaseOf(buildAppImage({ chip: "esp32", version: "1.1.0" }));
const TOPICS = topicsOf(TOPIC_ROOT);
const ONLINE = { now: 0, isConnected: true };
const RESTING: IntakeSituation = { isResting: true, isReplaceable: true, isWriting: false };
const ON_PROBATION: IntakeSituation = { isResting: false, isReplaceable: false, isWriting: false };
const SUBSCRIBED = [TOPICS.offer, TOPICS.deviceOffer("bench-1")].map((topic) => ({ type: "subscribe", topic }));

let ledger: OfferLedger;
let counters: ReceiverCounters;
let intake: OfferIntake;

beforeEach(() => {
  ledger = new OfferLedger();
  counters = new ReceiverCounters();
  const identity = { device: "bench-1", topicRoot: TOPIC_ROOT, product: PRODUCT, chipId: 0 };
  const trust = { allowUnsigned: true, keySet: undefined, algorithms: DEVICE_ALGORITHMS };
  intake = new OfferIntake({ ...identity, ...trust }, TOPICS, ledger, counters);
  ledger.load(undefined, RUNNING);
  const running = { version: "1.0.0", projectName: "app", slot: "ota_0", sha256: RUNNING, pendingVerify: false };
  const target = { slot: "ota_1", sizeBytes: 1 << 20, condemned: false };
  const boot = { bootCount: 1, cleanReset: true, rollback: true, secureVersion: 0 };
  intake.boot({ type: "booted", now: 0, running, target, record: undefined, ...boot });
});

function offer(payload: Uint8Array, situation = RESTING): OfferIntakeStep {
  return intake.handle({ type: "offer", now: 0, payload, retained: false }, situation, ONLINE);
}

test("accepts an offer at rest, and stores nothing itself", () => {
  expect(offer(offerOf(RELEASE))).toMatchObject({ actions: [], result: { type: "accept", isKnown: false } });
});

test("counts an offer that it can't parse, and answers nobody", () => {
  expect(offer(new Uint8Array(3))).toEqual({ actions: [] });
  expect(counters.refused).toEqual({ count: 1, code: "protocol/malformed" });
});

test("counts and answers an older offer", () => {
  ledger.store({ ...ledger.record, accepted: [1, 9] });
  expect(offer(offerOf(RELEASE)).result).toMatchObject({ type: "answer", answer: { state: "rejected" } });
  expect(counters.stats(0).dropped).toEqual({ "stale-offer": 1 });
});

test("drops a message while a chunk lies in the buffer, and asks for it later", () => {
  const { actions, result } = offer(offerOf(RELEASE), { ...RESTING, isWriting: true });
  expect(actions).toMatchObject([{ type: "set-timer", timer: "verify" }]);
  expect(result).toBeUndefined();
  expect(counters.stats(0).dropped).toEqual({ busy: 1 });
});

test("makes an offer wait, and subscribes once when the offer before it ended", () => {
  expect(intake.offerEnded(ONLINE)).toEqual([]);
  expect(offer(offerOf(RELEASE), ON_PROBATION).result).toMatchObject({ type: "answer", answer: { state: "waiting" } });
  expect(intake.offerEnded(ONLINE)).toEqual(SUBSCRIBED);
  expect(intake.offerEnded(ONLINE)).toEqual([]);
});

test("subscribes once the device knows the time if an offer was rejected for that", () => {
  expect(intake.setClock(undefined, ONLINE)).toEqual([]);
  const timed = offerOf(RELEASE, { between: { start_minute: 0, minutes: 60 }, critical: ["between"] });
  expect(offer(timed).result).toMatchObject({ type: "reject", error: { code: "offer/unsupported" } });
  expect(intake.setClock(Date.UTC(2026, 2, 1), ONLINE)).toEqual(SUBSCRIBED);
  expect(intake.setClock(Date.UTC(2026, 2, 2), ONLINE)).toEqual([]);
  expect(offer(timed).result).toMatchObject({ type: "accept" });
});
