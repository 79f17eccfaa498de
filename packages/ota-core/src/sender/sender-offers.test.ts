import { expect, test } from "vitest";
import {
  ENVELOPE,
  IMAGE_ID,
  type Input,
  OFFER_ID,
  optionsOf,
  ROOT,
  SenderBench,
  SHA256,
} from "../../test/sender-bench.ts";
import type { DeviceState } from "../messages/state-report.ts";
import type { StateReport } from "../schemas/types.generated.ts";
import type { CompetingOffer } from "./sender-events.ts";
import type { SenderOptions } from "./sender-options.ts";

const OFFER = `${ROOT}/v1/offer`;
const HASHES = `${ROOT}/v1/image/${IMAGE_ID}/hashes`;
const ownTopic = (device: string): string => `${ROOT}/v1/device/${device}/offer`;
const OTHER: CompetingOffer = { id: "f".repeat(32), counter: [1, 2], version: "1.2.4", isForAll: true };

/** In these tests an envelope of another publisher is the JSON of what it says. */
const readOffer = (envelope: Uint8Array): CompetingOffer | undefined => {
  const found = JSON.parse(new TextDecoder().decode(envelope)) as CompetingOffer;
  return found.id === undefined ? undefined : found;
};

const announced = (topic: string, offer: Partial<CompetingOffer>, retained = true): Input => {
  const payload = new TextEncoder().encode(JSON.stringify({ ...OTHER, ...offer }));
  return { type: "announcement", topic, payload, retained };
};

const serving = (changes: Partial<SenderOptions> = {}): SenderBench =>
  SenderBench.serving({ readOffer, counter: [1, 1], expected: {}, ...changes });

/** Connected to a broker that acknowledges everything and gives back nothing. */
function forgetful(changes: Partial<SenderOptions> = {}): SenderBench {
  const bench = new SenderBench(optionsOf({ readOffer, expected: {}, ...changes }));
  bench.forgetful = true;
  bench.give({ type: "start" });
  bench.give({ type: "connected" });
  return bench;
}

test("a later offer ends the delivery at once, and the outcome names it", () => {
  const bench = serving();
  bench.report("bench-1", "downloading");
  bench.give(announced(OFFER, {}));
  expect(bench.outcome).toMatchObject({ reason: "superseded", by: OTHER, devices: [{ state: "downloading" }] });
  expect(bench.timers.size).toBe(0);
});

test("a later offer without a release ends the delivery as withdrawn", () => {
  const bench = serving();
  const { version: _, ...withdrawal } = OTHER;
  bench.give({
    type: "announcement",
    topic: OFFER,
    payload: new TextEncoder().encode(JSON.stringify(withdrawal)),
    retained: true,
  });
  expect(bench.outcome).toMatchObject({ reason: "withdrawn", by: withdrawal });
});

test.for([
  ["the same offer of another publisher", announced(OFFER, { id: OFFER_ID, counter: [1, 9] })],
  ["an offer that devices would not trust", { type: "announcement", topic: OFFER, payload: ENVELOPE, retained: true }],
  ["what stands on the topic of the hash list", announced(HASHES, {})],
] as const)("%s is no replacement", ([, input]) => {
  const bench = serving();
  bench.give(input);
  expect(bench.outcome).toBeUndefined();
  bench.report("bench-1", "confirmed");
  bench.wait(2_000);
  expect(bench.outcome?.reason).toBe("delivered");
});

test("requests a new number if another offer has the same one", () => {
  const bench = serving();
  bench.give(announced(OFFER, { counter: [1, 1] }));
  expect(bench.outcome).toMatchObject({ reason: "number-taken", by: { counter: [1, 1] } });
});

test("asks the broker for its retained offer after another live one, at most once a second", () => {
  const bench = serving();
  const asked = (): number => bench.subscribed.filter((topic) => topic === OFFER).length;
  const before = asked();
  for (let count = 0; count < 20; count++) {
    bench.give(announced(OFFER, {}, false));
    bench.wait(100);
  }
  expect(asked() - before).toBe(3);
  expect(bench.outcome).toBeUndefined();
  bench.retained.set(OFFER, new TextEncoder().encode(JSON.stringify(OTHER)));
  bench.give(announced(OFFER, {}, false));
  bench.wait(1_000);
  expect(bench.outcome?.reason).toBe("superseded");
});

test("overwrites an older offer that replaced this one, at most every five seconds", () => {
  const bench = serving({ counter: [2, 1] });
  const count = (): number => bench.published.filter(({ topic }) => topic === OFFER).length;
  for (let second = 0; second < 11; second++) {
    bench.give(announced(OFFER, {}));
    bench.wait(1_000);
  }
  expect(count()).toBe(1 + 2);
  expect(bench.outcome).toBeUndefined();
});

const CLEARED = { type: "announcement", topic: HASHES, payload: new Uint8Array(), retained: false } as const;

test("publishes its hash list again at once where it is cleared, and then at most every five seconds", () => {
  const joins = { join: { random: () => 0.5 } };
  for (const changes of [{}, joins]) {
    const bench = serving(changes);
    // One that joins an empty broker publishes what it lacks first.
    bench.wait(30_000);
    const lists = () => bench.published.filter(({ topic }) => topic === HASHES);
    const before = lists().length;
    bench.give(CLEARED);
    expect(lists()).toHaveLength(before + 1);
    expect(lists().at(-1)).toMatchObject({ payload: lists()[0]?.payload, retain: true });
    for (let time = 0; time < 10; time++) bench.give(CLEARED);
    expect(lists()).toHaveLength(before + 1);
    bench.wait(5_000);
    expect(lists()).toHaveLength(before + 2);
    bench.wait(60_000);
    expect(lists()).toHaveLength(before + 2);
  }
});

test("a hash list that is cleared while the broker is asked for it does not end the delivery", () => {
  const bench = forgetful({ wait: "none" });
  bench.forgetful = false;
  bench.give({ type: "announcement", topic: OFFER, payload: ENVELOPE, retained: true });
  bench.give(CLEARED);
  bench.wait(1_000);
  expect(bench.outcome).toMatchObject({ reason: "offered" });
});

test("does not overwrite an offer that replaced this one while it was disconnected", () => {
  const bench = serving();
  bench.give({ type: "disconnected" });
  const payload = new TextEncoder().encode(JSON.stringify(OTHER));
  bench.retained.set(OFFER, payload);
  bench.give({ type: "connected" });
  expect(bench.outcome?.reason).toBe("superseded");
  expect(bench.retained.get(OFFER)).toBe(payload);
});

test("an offer to every device replaces one to named devices; one to some of them does not", () => {
  const named = { expected: { devices: ["a"] }, offerTopics: [ownTopic("a")] };
  const some = serving(named);
  some.give(announced(OFFER, { isForAll: false }));
  expect(some.outcome).toBeUndefined();
  const all = serving(named);
  all.give(announced(OFFER, {}));
  expect(all.outcome?.reason).toBe("superseded");
});

test("a later offer to one of several named devices ends only that device", () => {
  const offerTopics = [ownTopic("a"), ownTopic("b")];
  const bench = serving({ expected: { devices: ["a", "b"] }, offerTopics });
  bench.give(announced(ownTopic("a"), { isForAll: false }));
  expect(bench.outcome).toBeUndefined();
  expect(bench.progress.at(-1)).toMatchObject({ device: "a", error: { code: "delivery/superseded" } });
  bench.report("b", "confirmed");
  expect(bench.outcome?.reason).toBe("device-failed");
  const both = serving({ expected: { devices: ["a", "b"] }, offerTopics });
  for (const topic of offerTopics) both.give(announced(topic, { isForAll: false }));
  expect(both.outcome?.reason).toBe("superseded");
});

test("does not wait for a device that accepted a later offer", () => {
  const bench = serving({ expected: { devices: ["a"] } });
  bench.report("a", "downloading");
  bench.report("a", "confirmed", { offer: OTHER.id, accepted: [1, 1] });
  expect(bench.outcome).toBeUndefined();
  bench.report("a", "confirmed", { offer: OTHER.id, accepted: [1, 2] });
  expect(bench.outcome).toMatchObject({
    reason: "device-failed",
    devices: [{ error: { code: "delivery/superseded" } }],
  });
});

test("ends a delivery after ten seconds if the broker retains nothing, with the topics", () => {
  const bench = forgetful();
  bench.wait(9_999);
  expect(bench.outcome).toBeUndefined();
  bench.wait(1);
  expect(bench.outcome).toMatchObject({ reason: "not-retained", topics: [HASHES, OFFER] });
});

test("says what the broker withheld if the time limit is reached earlier", () => {
  const bench = forgetful({ timeoutMs: 3_000 });
  bench.wait(3_000);
  expect(bench.outcome).toMatchObject({ reason: "not-retained", topics: [HASHES, OFFER] });
});

test("a device that reports under the offer proves that the broker delivers it", () => {
  const bench = forgetful();
  bench.report("a", "downloading");
  bench.wait(60_000);
  expect(bench.outcome).toBeUndefined();
});

test("counts a topic that others overwrite as retained after our own message was received once", () => {
  const bench = forgetful();
  const untrusted: Input = {
    type: "announcement",
    topic: OFFER,
    payload: new Uint8Array([0x7b, 0x20, 0x7d]),
    retained: true,
  };
  bench.give({ ...untrusted, topic: HASHES, payload: bench.published[0]!.payload });
  bench.give(untrusted);
  expect(bench.timers.has("read-back")).toBe(true);
  bench.give({ type: "announcement", topic: OFFER, payload: ENVELOPE, retained: false });
  expect(bench.timers.has("read-back")).toBe(false);
});

test.for([
  ["hash list", 0, HASHES],
  ["offer", 1, OFFER],
] as const)("names a %s that the broker does not acknowledge", ([, drained, topic]) => {
  for (const ending of ["gives up", "is out of time"]) {
    const bench = new SenderBench(optionsOf({ timeoutMs: 5_000 }));
    bench.hold = true;
    bench.give({ type: "start" });
    bench.give({ type: "connected" });
    for (let count = 0; count < drained; count++) bench.drain();
    if (ending === "gives up") bench.give({ type: "unacknowledged", id: bench.undrained[0]!.id });
    else bench.wait(5_000);
    expect(bench.outcome).toMatchObject({ reason: "unacknowledged", topics: [topic] });
  }
});

const CONTRADICTIONS: readonly [string, DeviceState, Partial<StateReport>][] = [
  ["runs another image", "confirmed", { running_sha256: "0".repeat(64) }],
  ["names another image", "confirmed", { image: "0".repeat(32) }],
  ["accepted an older offer", "confirmed", { accepted: [1, 0] }],
  ["accepted a later offer", "confirmed", { accepted: [1, 2] }],
  ["runs another image on probation", "pending-verify", { running_sha256: "0".repeat(64) }],
  ["has another image to boot", "ready-to-reboot", { image: "0".repeat(32) }],
];

test.for(CONTRADICTIONS)("a device that %s fails as contradictory if it claims %s", ([, state, changes]) => {
  const bench = serving({ expected: { count: 1 }, wait: "downloaded" });
  bench.report("a", state, changes);
  expect(bench.outcome).toMatchObject({
    reason: "device-failed",
    devices: [{ device: "a", state, error: { code: "delivery/contradictory-report" } }],
  });
});

test("accepts that a device still runs another image before it restarts", () => {
  const bench = serving({ expected: { count: 1 }, wait: "downloaded" });
  bench.report("a", "ready-to-reboot", { running_sha256: "0".repeat(64) });
  expect(bench.outcome?.reason).toBe("delivered");
});

test("accepts a hash in capital letters", () => {
  const { image } = optionsOf();
  const bench = serving({ expected: { count: 1 }, image: { ...image, sha256: SHA256.toUpperCase() } });
  bench.report("a", "confirmed");
  expect(bench.outcome?.reason).toBe("delivered");
});

test("publishes to each device the part of the offer that names it, and puts that part back", () => {
  const [first, second] = [ENVELOPE, new TextEncoder().encode("{}")];
  const offerParts = new Map([
    [ownTopic("a"), first],
    [ownTopic("b"), second],
  ]);
  const bench = serving({ expected: { devices: ["a", "b"] }, offerTopics: [...offerParts.keys()], offerParts });
  const offers = () => bench.published.filter(({ topic }) => offerParts.has(topic));
  expect(offers().map(({ topic, payload }) => [topic, payload])).toEqual([...offerParts]);
  bench.give(announced(ownTopic("b"), { counter: [1, 0], isForAll: false }));
  bench.wait(5_000);
  expect(offers().slice(2)).toMatchObject([{ topic: ownTopic("b"), payload: second }]);
});
