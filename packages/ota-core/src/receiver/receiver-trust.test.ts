import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { BenchDevice, chunksOf } from "../../test/bench-device.ts";
import { createBenchKey, sealed } from "../../test/bench-keys.ts";
import { imageIdOfBytes, offerOf, PRODUCT, releaseOf, TOPIC_ROOT } from "../../test/bench-offer.ts";
import {
  countingVerifier,
  keySetOf,
  NEW_OPERATOR,
  NEW_RELEASER,
  OPERATOR,
  provisioned,
  RELEASER,
  ROOT,
  STRANGER,
  signedOffer,
  travelling,
} from "../../test/bench-trust.ts";
import { createReceiver } from "../../test/receiver-under-test.ts";
import { utf8 } from "../bytes.ts";
import { buildAppImage } from "../image/build-app-image.ts";
import { buildChunk } from "../messages/chunk.ts";
import { parseEnvelope } from "../messages/envelope.ts";
import { buildHashList } from "../messages/hash-list.ts";
import { buildRelease } from "../messages/release.ts";
import { parseStateReport } from "../messages/state-report.ts";
import { topicsOf } from "../messages/topics.ts";
import type { SignatureVerifier } from "../signing/signature-verifier.ts";
import { carryOutVerify } from "./carry-out-verify.ts";
import { buildKeySetRecord } from "./key-set-record.ts";
import type { ReceiverAction } from "./receiver-events.ts";
import type { ReceiverOptions } from "./receiver-options.ts";
import { parseReceiverRecord } from "./receiver-record.ts";

/** Built at noon of New Year's Day, somewhere: at the earliest on the evening before, in UTC. */
const OLD = buildAppImage({ chip: "esp32", version: "1.0.0", projectName: "bench", sizeBytes: 20_000, seed: 1 });
const NEW = buildAppImage({ chip: "esp32", version: "1.1.0", projectName: "bench", sizeBytes: 30_000, seed: 2 });
const IMAGE = imageIdOfBytes(NEW);
const TOPICS = topicsOf(TOPIC_ROOT);
const KEYS = provisioned();

type Publish = Extract<ReceiverAction, { type: "publish" }>;

interface Bench {
  readonly device: BenchDevice;
  readonly published: Publish[];
  readonly subscribed: Set<string>;
  readonly timers: Map<string, number>;
  now: number;
}

interface BenchChanges extends Partial<ReceiverOptions> {
  readonly verify?: SignatureVerifier;
}

/** A device that was provisioned with a key set, booted and connected. */
function bench({ verify, ...options }: BenchChanges = {}): Bench {
  const published: Publish[] = [];
  const subscribed = new Set<string>();
  const timers = new Map<string, number>();
  const clock = { now: 0 };
  const device = new BenchDevice({
    receiver: {
      device: "bench-1",
      topicRoot: TOPIC_ROOT,
      product: PRODUCT,
      chipId: 0,
      allowUnsigned: true,
      keySet: KEYS,
      random: () => 0,
      ...options,
    },
    verify,
    running: OLD,
    now: () => clock.now,
    onAction: (action) => {
      if (action.type === "publish") published.push(action);
      if (action.type === "subscribe") subscribed.add(action.topic);
      if (action.type === "unsubscribe") subscribed.delete(action.topic);
      if (action.type === "set-timer") timers.set(action.timer, action.at);
    },
  });
  start(device);
  return Object.assign(clock, { device, published, subscribed, timers });
}

function start(device: BenchDevice): void {
  device.boot(true);
  device.feed({ type: "connected" });
}

function offer({ device }: Bench, payload: Uint8Array): void {
  device.feed({ type: "offer", payload });
}

function lastReport({ published }: Bench): ReturnType<typeof parseStateReport> {
  return parseStateReport(published.findLast(({ topic }) => topic.endsWith("/state"))!.payload);
}

function deliver({ device }: Bench): void {
  device.feed({ type: "hashes", image: IMAGE, payload: buildHashList(NEW) });
  for (const [index, bytes] of [...chunksOf(NEW).entries()].reverse()) {
    device.feed({ type: "chunk", payload: buildChunk({ image: IMAGE, index, bytes }) });
  }
}

/** Lets the timer fire after which signatures may be verified again, if its time has come. */
function fireWhenDue(world: Bench): void {
  const due = world.timers.get("verify");
  if (due === undefined || due > world.now) return;
  world.timers.delete("verify");
  world.device.feed({ type: "timer", timer: "verify" });
}

/** What is in use once everything that is not is gone. */
function usedBytes(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test("accepts an offer signed by offer keys with a release signed by release keys", () => {
  const world = bench();
  expect(lastReport(world)).toMatchObject({ key_set: 1 });
  offer(world, signedOffer(releaseOf(NEW)));
  expect(lastReport(world)).toMatchObject({ state: "checking", accepted: [1, 1] });
  expect(lastReport(world).refused).toBeUndefined();
});

const swapped = () => {
  const { payload } = parseEnvelope(signedOffer(releaseOf(NEW)));
  return travelling({ payload, signatures: parseEnvelope(signedOffer(releaseOf(OLD))).signatures });
};
const cases: readonly (readonly [what: string, payload: Uint8Array, code: string])[] = [
  ["that nobody signed", offerOf(releaseOf(NEW)), "signing/unsigned"],
  ["signed by a stranger", signedOffer(releaseOf(NEW), {}, { offer: [STRANGER] }), "signing/unknown-key"],
  ["signed by a key of another role", signedOffer(releaseOf(NEW), {}, { offer: [RELEASER] }), "signing/wrong-role"],
  [
    "with a release that a stranger signed",
    signedOffer(releaseOf(NEW), {}, { release: [STRANGER] }),
    "signing/unknown-key",
  ],
  ["with a release that nobody signed", signedOffer(releaseOf(NEW), {}, { release: [] }), "signing/unsigned"],
  [
    "with a release that an offer key signed",
    signedOffer(releaseOf(NEW), {}, { release: [OPERATOR] }),
    "signing/wrong-role",
  ],
  ["under the signature of another", swapped(), "signing/bad-signature"],
  ["that withdraws and nobody signed", offerOf(null), "signing/unsigned"],
  ["of an epoch that is over", signedOffer(releaseOf(NEW), { epoch: 1 }), "offer/wrong-epoch"],
];

test.for(cases)("refuses an offer %s, counts it, and answers with its code", ([what, payload, code]) => {
  const world = bench();
  if (what.includes("over")) world.device.feed({ type: "key-set", payload: keySetOf(2) });
  const { stores } = world.device;
  offer(world, payload);
  const answer = world.published.at(-1)!;
  expect(answer).toMatchObject({ topic: TOPICS.state("bench-1"), retain: false });
  expect(parseStateReport(answer.payload)).toMatchObject({ state: "rejected", error: { code } });
  expect(world.device.receiver.report(true)).toMatchObject({
    state: "idle",
    accepted: [0, 0],
    refused: { count: 1, code },
  });
  expect(world.device.stores).toBe(stores);
  expect(world.device.erases).toBe(0);
});

test("an unsigned or forged offer does not end a download", () => {
  const world = bench();
  offer(world, signedOffer(releaseOf(NEW)));
  for (const payload of [offerOf(null, { sequence: 9 }), signedOffer(null, { sequence: 9 }, { offer: [STRANGER] })]) {
    offer(world, payload);
    expect(world.device.receiver.state).toBe("checking");
  }
  offer(world, signedOffer(null, { sequence: 9 }));
  expect(lastReport(world)).toMatchObject({ state: "idle", accepted: [1, 9] });
});

test("a device that was provisioned with a key set accepts no unsigned offers, also after a reset", () => {
  const world = bench();
  // Started by firmware that knows of no key set and takes unsigned offers: what stands in flash counts.
  const { record, keySet } = world.device;
  const later = bench({ keySet: undefined });
  later.device.record = record;
  later.device.keySet = keySet;
  start(later.device);
  offer(later, offerOf(releaseOf(NEW)));
  expect(later.device.receiver.report(true)).toMatchObject({ state: "idle", refused: { code: "signing/unsigned" } });
});

test("accepts no offer if the firmware can't use the key set in flash", () => {
  const world = bench();
  const later = bench({ keySet: undefined, product: "Another Product" });
  later.device.keySet = world.device.keySet;
  start(later.device);
  offer(later, offerOf(releaseOf(NEW)));
  expect(later.device.receiver.report(true)).toMatchObject({ state: "idle", refused: { code: "offer/untrusted" } });
});

test("refuses to be provisioned with a key set of another product", () => {
  expect(() => bench({ product: "Another Product" })).toThrow(
    expect.objectContaining({ code: "signing/key-set-product" }),
  );
});

test("accepts a key set signed by the root keys of both sets, and then only offers under it", () => {
  const world = bench();
  expect(world.subscribed).toContain(TOPICS.keys(2));
  const second = keySetOf(2, { offer: [[NEW_OPERATOR], 1], release: [[NEW_RELEASER], 1], revoked: [OPERATOR] });
  world.device.feed({ type: "key-set", payload: second });
  expect(lastReport(world)).toMatchObject({ key_set: 2 });
  expect([...world.subscribed].filter((topic) => topic.includes("/keys/"))).toEqual([TOPICS.keys(3)]);

  offer(world, signedOffer(releaseOf(NEW), { epoch: 1, sequence: 2_147_483_647 }));
  expect(world.device.receiver.report(true).refused).toMatchObject({ code: "offer/wrong-epoch" });
  offer(world, signedOffer(releaseOf(NEW), { epoch: 2, sequence: 5 }));
  expect(world.device.receiver.report(true).refused).toMatchObject({ code: "signing/revoked-key" });
  offer(world, signedOffer(releaseOf(NEW), { epoch: 2, sequence: 1 }, { offer: [NEW_OPERATOR] }));
  expect(world.device.receiver.report(true).refused).toMatchObject({ code: "signing/unknown-key" });
  expect(world.device.receiver.report(true)).toMatchObject({ state: "idle", accepted: [0, 0] });

  const signers = { offer: [NEW_OPERATOR], release: [NEW_RELEASER] };
  offer(world, signedOffer(releaseOf(NEW), { epoch: 2, sequence: 1 }, signers));
  expect(lastReport(world)).toMatchObject({ state: "checking", accepted: [2, 1] });
});

test("answers an offer under a later key set with `wait`, and accepts it after that key set", () => {
  const world = bench();
  const early = signedOffer(releaseOf(NEW), { epoch: 2 });
  offer(world, early);
  expect(world.published.at(-1)).toMatchObject({ retain: false });
  expect(lastReport(world)).toMatchObject({ state: "waiting", error: { code: "offer/wrong-epoch" } });
  expect(world.device.receiver.report(true)).toMatchObject({ state: "idle", accepted: [0, 0] });
  world.subscribed.clear();
  world.device.feed({ type: "key-set", payload: keySetOf(2) });
  expect(world.subscribed, "the broker is asked to repeat it").toContain(TOPICS.offer);
  offer(world, early);
  expect(lastReport(world)).toMatchObject({ state: "checking", accepted: [2, 1] });
});

test("restarts a counter at its maximum with a new epoch", () => {
  const world = bench();
  offer(world, signedOffer(null, { sequence: 2_147_483_647 }));
  expect(lastReport(world)).toMatchObject({ accepted: [1, 2_147_483_647] });
  world.device.feed({ type: "key-set", payload: keySetOf(2) });
  offer(world, signedOffer(releaseOf(NEW), { epoch: 2, sequence: 1 }));
  expect(lastReport(world)).toMatchObject({ state: "checking", accepted: [2, 1] });
});

test.for([
  ["of the same epoch", keySetOf(1, { offer: [[STRANGER], 1] }), "signing/key-set-epoch"],
  ["that skips one", keySetOf(3), "signing/key-set-epoch"],
  ["that no root key signed", keySetOf(2, { signers: [RELEASER, OPERATOR] }), "signing/wrong-role"],
  ["that a stranger signed", keySetOf(2, { root: [[STRANGER], 1], signers: [STRANGER] }), "signing/unknown-key"],
  ["whose own root key has not signed", keySetOf(2, { root: [[STRANGER], 1] }), "signing/unknown-key"],
  ["of another product", keySetOf(2, { product: "Another Product" }), "signing/key-set-product"],
  ["that is none", utf8('{"payload":"","signatures":[]}'), "protocol/malformed"],
] as const)("refuses a key set %s with its code", ([, payload, code]) => {
  const world = bench();
  const { stores } = world.device;
  const reports = world.published.length;
  world.device.feed({ type: "key-set", payload });
  expect(world.device.receiver.report(true)).toMatchObject({ key_set: 1, refused: { count: 1, code } });
  expect(world.device.stores).toBe(stores);
  expect(world.published, "nobody is told by itself").toHaveLength(reports);
  world.device.feed({ type: "key-set", payload: keySetOf(2) });
  expect(lastReport(world)).toMatchObject({ key_set: 2 });
});

test("one of two root keys can't take over a fleet, and two of three continue if the third is stolen", () => {
  const [second, third, replacement] = [createBenchKey(), createBenchKey(), createBenchKey()];
  const root = [[ROOT, second, third], 2] as const;
  const world = bench({ keySet: provisioned({ root, signers: [ROOT, second] }) });
  const mine = keySetOf(2, { root: [[third], 1], offer: [[third], 1], signers: [third] });
  world.device.feed({ type: "key-set", payload: mine });
  expect(world.device.receiver.report(true)).toMatchObject({ key_set: 1, refused: { code: "signing/threshold" } });
  const next = keySetOf(2, { root: [[ROOT, second, replacement], 2], revoked: [third], signers: [ROOT, second] });
  world.device.feed({ type: "key-set", payload: next });
  expect(lastReport(world)).toMatchObject({ key_set: 2 });
});

test("steps are taken one at a time, one that came too early when it comes again, and a reset takes none back", () => {
  const world = bench();
  const third = keySetOf(3);
  for (const payload of [third, keySetOf(2), third]) world.device.feed({ type: "key-set", payload });
  expect(lastReport(world)).toMatchObject({ key_set: 3 });
  world.device.feed({ type: "key-set", payload: keySetOf(4) });
  expect(lastReport(world)).toMatchObject({ key_set: 4 });
  start(world.device);
  expect(lastReport(world)).toMatchObject({ key_set: 4 });
  expect(world.subscribed).toContain(TOPICS.keys(5));
  world.device.feed({ type: "key-set", payload: keySetOf(2) });
  expect(world.device.receiver.report(true)).toMatchObject({ key_set: 4 });
});

test("does not accept offers of earlier epochs after the key set is lost from flash", () => {
  const world = bench();
  world.device.feed({ type: "key-set", payload: keySetOf(2) });
  offer(world, signedOffer(null, { epoch: 2, sequence: 1 }));
  world.device.keySet = undefined;
  start(world.device);
  offer(world, signedOffer(releaseOf(NEW), { epoch: 1, sequence: 9 }));
  expect(world.device.receiver.report(true)).toMatchObject({
    state: "idle",
    accepted: [2, 1],
    refused: { code: "offer/stale" },
  });
});

test("a new key set ends a download under the previous epoch; the new offer continues with its chunks", () => {
  const world = bench();
  offer(world, signedOffer(releaseOf(NEW)));
  world.device.feed({ type: "hashes", image: IMAGE, payload: buildHashList(NEW) });
  const send = (index: number) =>
    world.device.feed({ type: "chunk", payload: buildChunk({ image: IMAGE, index, bytes: chunksOf(NEW)[index]! }) });
  send(3);
  world.device.feed({ type: "key-set", payload: keySetOf(2) });
  expect(lastReport(world)).toMatchObject({ state: "rejected", error: { code: "offer/wrong-epoch" } });
  send(4);
  expect(world.device.writtenSectors).toEqual([3]);
  offer(world, signedOffer(releaseOf(NEW), { epoch: 2 }));
  deliver(world);
  expect(lastReport(world)).toMatchObject({ state: "ready-to-reboot", accepted: [2, 1] });
  expect(world.device.writtenSectors.filter((index) => index === 3)).toHaveLength(1);
});

test("refuses offers that expired before the image's build, the key set or an authentic offer", () => {
  const expired = (expires: string) => signedOffer(releaseOf(NEW), { sequence: 3, expires_at: expires });
  const codeOf = (world: Bench, payload: Uint8Array) => {
    offer(world, payload);
    return lastReport(world).error?.code;
  };
  expect(codeOf(bench(), expired("2025-12-31T21:00:00Z")), "before the build").toBe("offer/expired");
  expect(codeOf(bench(), expired("2026-01-01T00:00:01Z"))).toBeUndefined();
  const keySet = provisioned({ issuedAt: "2026-03-01T00:00:00Z" });
  expect(codeOf(bench({ keySet }), expired("2026-02-28T23:59:59Z")), "before the set").toBe("offer/expired");
  const world = bench();
  const rejected = releaseOf(NEW, { hardware: "esp32s3" });
  expect(codeOf(world, signedOffer(rejected, { issued_at: "2026-05-01T00:00:00.500Z" }))).toBe("offer/wrong-hardware");
  expect(codeOf(world, expired("2026-04-30T00:00:00Z")), "before an offer").toBe("offer/expired");
  start(world.device);
  expect(codeOf(world, expired("2026-04-30T00:00:00Z")), "after a reset too").toBe("offer/expired");
  expect(codeOf(world, expired("2026-05-01T00:00:00Z"))).toBeUndefined();
});

test("a new epoch resets a time floor that a stolen key moved into the future", () => {
  const world = bench();
  offer(world, signedOffer(null, { issued_at: "2999-01-01T00:00:00Z" }));
  const current = { issued_at: "2026-02-01T00:00:00Z", expires_at: "2026-03-01T00:00:00Z" };
  offer(world, signedOffer(releaseOf(NEW), { ...current, sequence: 2 }));
  expect(lastReport(world)).toMatchObject({ state: "rejected", error: { code: "offer/expired" } });
  world.device.feed({ type: "key-set", payload: keySetOf(2) });
  offer(world, signedOffer(releaseOf(NEW), { ...current, epoch: 2 }));
  expect(lastReport(world)).toMatchObject({ state: "checking", accepted: [2, 1] });
});

/** An envelope with signatures that no key made, though they name `keyid`. */
function forged(honest: Uint8Array, keyid: string, seed: number, count = 1): Uint8Array {
  const sigs = Array.from({ length: count }, (_, index) => new Uint8Array(70).fill(1 + ((seed + index) % 255)));
  const signatures = sigs.map((sig) => ({ keyid, alg: "ecdsa-p256-sha256", sig }));
  return travelling({ payload: parseEnvelope(honest).payload, signatures });
}

const FORGERY = {
  offer: (seed: number) => forged(signedOffer(null, { sequence: 2 }), OPERATOR.keyid, seed),
  "key-set": (seed: number) => forged(keySetOf(2), ROOT.keyid, seed),
};
const BUDGETS = [
  ["offer", true, 16],
  ["offer", false, 8],
  // A key set is begun on only if what an authentic one costs is left: two, under the root keys of two epochs.
  ["key-set", true, 7],
  ["key-set", false, 7],
] as const;

test.for(BUDGETS)(
  "of forgeries of an %s (retained: %s), %i are verified within a minute",
  ([type, retained, limit]) => {
    const counter = countingVerifier();
    const world = bench({ verify: counter.verify });
    const feed = ([kind, isRetained]: (typeof BUDGETS)[number], seed: number) =>
      world.device.feed({ type: kind, payload: FORGERY[kind](seed), retained: isRetained });
    // The budgets of the others are used up first: they must not count.
    for (const other of BUDGETS) {
      if (other[0] === type && other[1] === retained) continue;
      for (let seed = 0; seed < 30; seed++) feed(other, 100 + seed);
    }
    const before = counter.count;
    const own = [type, retained, limit] as (typeof BUDGETS)[number];
    for (let seed = 0; seed < 30; seed++) feed(own, seed);
    expect(counter.count - before).toBe(limit);
    world.now = 59_999;
    feed(own, 50);
    expect(counter.count - before).toBe(limit);
    world.now = 60_000;
    feed(own, 51);
    expect(counter.count - before).toBe(limit + 1);
    const timers = world.device.actions.filter((action) => action.type === "set-timer" && action.timer === "verify");
    expect(timers, "one, however many messages were dropped").toHaveLength(1);
  },
);

test("verifies at most eight signatures of one message", () => {
  const keys = Array.from({ length: 4 }, () => createBenchKey());
  const counter = countingVerifier();
  const world = bench({ verify: counter.verify, keySet: provisioned({ offer: [keys, 4], release: [keys, 4] }) });
  // Signatures of the release that name each other's keys: each is tried with every key until one fits.
  const release = sealed("release", buildRelease(releaseOf(NEW)), keys);
  const signatures = release.signatures.map((signature, index) => {
    return { ...signature, keyid: keys[(index + 1) % 4]!.keyid };
  });
  const misnamed = signedOffer(null, { release: { ...release, signatures } }, { offer: keys });
  world.device.feed({ type: "offer", payload: misnamed, retained: true });
  expect(counter.count).toBe(8);
  expect(world.device.receiver.state).toBe("idle");
  const honest = signedOffer(releaseOf(NEW), {}, { offer: keys, release: keys });
  world.device.feed({ type: "offer", payload: honest, retained: true });
  expect(counter.count).toBe(16);
  expect(world.device.receiver.state).toBe("checking");
});

test("verifies a message again that exhausted the budget, when it is repeated", () => {
  const keys = Array.from({ length: 4 }, () => createBenchKey());
  const world = bench({ keySet: provisioned({ offer: [keys, 1] }) });
  // Tried with each of the four keys, which leaves four of eight verifications.
  offer(world, forged(signedOffer(null), keys[0]!.keyid, 1));
  // Four for the offer, whose signature names another key; none is left for the release.
  const { payload, signatures } = parseEnvelope(signedOffer(releaseOf(NEW), {}, { offer: [keys[3]!] }));
  const misnamed = travelling({ payload, signatures: [{ ...signatures[0]!, keyid: keys[0]!.keyid }] });
  offer(world, misnamed);
  expect(world.device.receiver.state).toBe("idle");
  world.now = 60_000;
  offer(world, misnamed);
  expect(world.device.receiver.state).toBe("checking");
});

test("a flood of live messages does not remove verdicts on retained ones", () => {
  const counter = countingVerifier();
  const world = bench({ verify: counter.verify });
  const standing = signedOffer(releaseOf(NEW));
  world.device.feed({ type: "offer", payload: standing, retained: true });
  const { count } = counter;
  for (let seed = 0; seed < 8; seed++) offer(world, forged(signedOffer(null, { sequence: 2 }), OPERATOR.keyid, seed));
  world.device.feed({ type: "offer", payload: standing, retained: true });
  expect(counter.count - count).toBe(8);
});

test("keeps one answer a minute for the sender of an authentic offer", () => {
  const world = bench();
  offer(world, signedOffer(releaseOf(NEW)));
  const before = world.published.length;
  for (let sequence = 2; sequence < 30; sequence++) offer(world, offerOf(null, { sequence }));
  expect(world.published.length - before).toBe(7);
  const wrongProduct = { ...releaseOf(NEW), product: "Another Product" };
  offer(world, signedOffer(wrongProduct, { sequence: 40 }));
  expect(lastReport(world)).toMatchObject({ state: "rejected", error: { code: "offer/wrong-product" } });
  offer(world, signedOffer(wrongProduct, { sequence: 41 }));
  expect(world.published.length - before).toBe(8);
});

test("verifies a retained offer and the last four once, not at each reconnect", () => {
  const counter = countingVerifier();
  const world = bench({ verify: counter.verify });
  const envelopes = [
    signedOffer(releaseOf(NEW)),
    signedOffer(releaseOf(NEW), {}, { offer: [STRANGER] }),
    offerOf(releaseOf(NEW)),
    signedOffer(releaseOf(NEW), {}, { release: [STRANGER] }),
  ];
  for (const envelope of envelopes) offer(world, envelope);
  const { count } = counter;
  for (let round = 0; round < 5; round++) {
    world.device.feed({ type: "disconnected" });
    world.device.feed({ type: "connected" });
    for (const envelope of envelopes) offer(world, envelope);
  }
  expect(counter.count).toBe(count);
  offer(world, signedOffer(releaseOf(NEW), {}, { offer: [RELEASER] }));
  const withFifth = counter.count;
  offer(world, envelopes[0]!);
  expect(counter.count, "the fifth takes the place of the first").toBeGreaterThan(withFifth);
});

test("of two key sets of one epoch, trusts the provisioned one and writes nothing", () => {
  const world = bench({ keySet: provisioned({ offer: [[NEW_OPERATOR], 1] }) });
  world.device.keySet = buildKeySetRecord(KEYS.document);
  const { stores } = world.device;
  start(world.device);
  expect(world.device.stores).toBe(stores);
  offer(world, signedOffer(releaseOf(NEW)));
  expect(world.device.receiver.state).toBe("idle");
  offer(world, signedOffer(releaseOf(NEW), {}, { offer: [NEW_OPERATOR] }));
  expect(world.device.receiver.state).toBe("checking");
});

test("a key set does not end an update whose image is ready to start", () => {
  const world = bench();
  offer(world, signedOffer(releaseOf(NEW)));
  deliver(world);
  expect(lastReport(world)).toMatchObject({ state: "ready-to-reboot" });
  world.device.feed({ type: "key-set", payload: keySetOf(2) });
  expect(lastReport(world)).toMatchObject({ state: "ready-to-reboot", key_set: 2 });
  expect(lastReport(world).error).toBeUndefined();
});

test("accepts an authentic envelope after a forgery with the same payload", () => {
  const world = bench();
  const honest = signedOffer(releaseOf(NEW));
  const { payload } = parseEnvelope(honest);
  offer(world, travelling({ payload, signatures: [] }));
  offer(world, travelling({ payload, signatures: parseEnvelope(signedOffer(null)).signatures }));
  expect(world.device.receiver.state).toBe("idle");
  offer(world, honest);
  expect(world.device.receiver.state).toBe("checking");
});

test("10 000 forged offers cost at most 8 verifications a minute, no flash, few answers and no memory", () => {
  const counter = countingVerifier();
  const world = bench({ verify: counter.verify });
  const { signatures } = parseEnvelope(signedOffer(null));
  const forged = (index: number) => {
    const { payload } = parseEnvelope(offerOf(null, { sequence: 1 + index }));
    return travelling({ payload, signatures });
  };
  const { stores } = world.device;
  const reports = world.published.length;
  const before = usedBytes();
  const minutes = 20;
  const spent: number[] = [];
  for (let index = 0; index < 10_000; index++) {
    world.now = Math.floor((index / 10_000) * minutes * 60_000);
    fireWhenDue(world);
    const { count } = counter;
    offer(world, forged(index));
    expect(counter.count - count).toBeLessThanOrEqual(1);
    for (let each = count; each < counter.count; each++) spent.push(world.now);
    world.device.actions.length = 0;
  }
  for (const at of spent) {
    expect(spent.filter((other) => other > at - 60_000 && other <= at).length).toBeLessThanOrEqual(8);
  }
  expect(spent.length).toBeGreaterThanOrEqual(8 * minutes);
  expect(usedBytes() - before).toBeLessThan(32 * 2 ** 20);
  expect(world.published.length - reports).toBeLessThanOrEqual(8 * (minutes + 1));
  expect(world.device.stores).toBe(stores);
  expect(world.device.erases).toBe(0);
  expect(world.device.receiver.state).toBe("idle");
  expect(world.device.receiver.stats.dropped["too-many"]).toBeGreaterThan(9_000);

  // The honest offer was among those that were not looked at: the broker is asked for it again.
  world.now = world.timers.get("verify")!;
  world.subscribed.clear();
  fireWhenDue(world);
  expect(world.subscribed).toContain(TOPICS.offer);
  world.device.feed({ type: "offer", payload: signedOffer(releaseOf(NEW)), retained: true });
  expect(world.device.receiver.state).toBe("checking");
});

test("accepts the key set that ends a flood of forged offers during that flood", () => {
  const counter = countingVerifier();
  const world = bench({ verify: counter.verify });
  for (let index = 0; index < 100; index++) {
    offer(world, signedOffer(null, { sequence: 1 + index }, { offer: [STRANGER] }));
  }
  world.device.feed({ type: "key-set", payload: keySetOf(2) });
  expect(lastReport(world)).toMatchObject({ key_set: 2 });
});

test("subscribes again for missed messages during an endless flood", () => {
  const world = bench();
  let asked = 0;
  for (let second = 0; second < 600; second++) {
    for (let index = 0; index < 3; index++) {
      world.now = 1_000 * second + 300 * index;
      offer(world, signedOffer(null, { sequence: 1 + second }, { offer: [STRANGER] }));
    }
    world.subscribed.clear();
    fireWhenDue(world);
    if (world.subscribed.has(TOPICS.offer)) asked++;
  }
  expect(asked).toBeGreaterThanOrEqual(9);
});

test("refuses every envelope with changed bytes", () => {
  const honest = signedOffer(releaseOf(NEW));
  const options = { allowUnsigned: true };
  for (let place = 0; place < honest.length; place += 7) {
    const world = bench(options);
    offer(world, honest.with(place, honest[place]! ^ 0x04));
    const { state, accepted } = world.device.receiver.report(true);
    // The key's id in the outer signature only orders the attempts.
    if (state !== "idle") expect(accepted).toEqual([1, 1]);
    expect(world.device.erases, `byte ${place}`).toBe(0);
  }
});

test("protects time and counters in the stored record by one check value", () => {
  const world = bench();
  offer(world, signedOffer(releaseOf(NEW)));
  const record = world.device.record!;
  expect(parseReceiverRecord(record)).toMatchObject({
    accepted: [1, 1],
    floor: { epoch: 1, time: "2026-02-01T00:00:00Z" },
  });
  for (let place = 0; place < record.length; place++) {
    const changed =
      record.slice(0, place) + String.fromCharCode(record.charCodeAt(place) ^ 1) + record.slice(place + 1);
    expect(parseReceiverRecord(changed), `character ${place}`).toBeUndefined();
  }
});

test("after NVS is erased, image and eFuses still refuse older secure versions", () => {
  const receiver = createReceiver({
    device: "bench-1",
    topicRoot: TOPIC_ROOT,
    product: PRODUCT,
    chipId: 0,
    allowUnsigned: false,
    keySet: KEYS,
    random: () => 0,
  });
  const running = { version: "1", projectName: "p", slot: "ota_0", sha256: "00".repeat(32), pendingVerify: false };
  receiver.handle({
    type: "booted",
    now: 0,
    running: { ...running, builtAt: "2026-04-01T00:00:00Z" },
    target: { slot: "ota_1", sizeBytes: 1 << 20, condemned: false },
    record: undefined,
    bootCount: 1,
    cleanReset: true,
    rollback: true,
    secureVersion: 2,
  });
  receiver.handle({ type: "connected", now: 0 });
  const codeOf = (payload: Uint8Array) => {
    let [action] = receiver.handle({ type: "offer", now: 0, retained: true, payload });
    while (action?.type === "verify") {
      [action] = receiver.handle({ type: "verified", now: 0, valid: carryOutVerify(action) });
    }
    return receiver.report(true).error?.code;
  };
  expect(codeOf(signedOffer(releaseOf(NEW)))).toBe("offer/secure-version");
  const expires = { sequence: 2, expires_at: "2026-03-01T00:00:00Z" };
  expect(codeOf(signedOffer(releaseOf(NEW), expires))).toBe("offer/expired");
});

test("accepts an authentic offer that was first sent as a key set", () => {
  const world = bench();
  const honest = signedOffer(releaseOf(NEW));
  world.device.feed({ type: "key-set", payload: honest });
  offer(world, honest);
  expect(world.device.receiver.state).toBe("checking");
});
