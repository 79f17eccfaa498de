import { beforeEach, expect, test } from "vitest";
import { type BenchKey, createBenchKey, sealed } from "../../test/bench-keys.ts";
import { imageIdOfBytes, offerOf, PRODUCT, releaseOf, TOPIC_ROOT } from "../../test/bench-offer.ts";
import {
  type BenchSet,
  keySetOf,
  OPERATOR,
  provisioned,
  RELEASER,
  ROOT,
  STRANGER,
  signedOffer,
  travelling,
} from "../../test/bench-trust.ts";
import { createReceiver, type ReceiverUnderTest } from "../../test/receiver-under-test.ts";
import { buildAppImage } from "../image/build-app-image.ts";
import { buildChunk } from "../messages/chunk.ts";
import { parseEnvelope } from "../messages/envelope.ts";
import { buildHashList } from "../messages/hash-list.ts";
import { parseStateReport } from "../messages/state-report.ts";
import { CHUNK_SIZE } from "../messages/timing.ts";
import { topicsOf } from "../messages/topics.ts";
import { carryOutVerify } from "./carry-out-verify.ts";
import type { ReceiverAction, ReceiverEvent } from "./receiver-events.ts";
import type { ReceiverOptions } from "./receiver-options.ts";

const IMAGE = buildAppImage({ chip: "esp32", version: "1.1.0", projectName: "bench", sizeBytes: 12_000, seed: 2 });
const RELEASE = releaseOf(IMAGE);
const TOPICS = topicsOf(TOPIC_ROOT);
const BOOTED: Extract<ReceiverEvent, { type: "booted" }> = {
  type: "booted",
  now: 0,
  running: { version: "1", projectName: "bench", slot: "ota_0", sha256: "00".repeat(32), pendingVerify: false },
  target: { slot: "ota_1", sizeBytes: 1 << 20, condemned: false },
  record: undefined,
  bootCount: 1,
  cleanReset: true,
  rollback: true,
  secureVersion: 0,
};

let receiver: ReceiverUnderTest;

function start(set: BenchSet = {}, options: Partial<ReceiverOptions> = {}): void {
  receiver = createReceiver({
    device: "bench-1",
    topicRoot: TOPIC_ROOT,
    product: PRODUCT,
    chipId: 0,
    allowUnsigned: false,
    keySet: provisioned(set),
    random: () => 0,
    ...options,
  });
  receiver.handle(BOOTED);
  receiver.handle({ type: "connected", now: 0 });
}

beforeEach(() => start());

type VerifyAction = Extract<ReceiverAction, { type: "verify" }>;

function send(payload: Uint8Array, type: "offer" | "key-set" = "offer", now = 0): ReceiverAction[] {
  return receiver.handle({ type, now, retained: true, payload });
}

function verifyIn(actions: readonly ReceiverAction[]): VerifyAction | undefined {
  return actions.find((action) => action.type === "verify");
}

/** Answers each check, and returns the ids of the keys in the order in which they were tried. */
function answerAll(actions: readonly ReceiverAction[], names: ReadonlyMap<Uint8Array, string>): string[] {
  const tried: string[] = [];
  for (let action = verifyIn(actions); action !== undefined; ) {
    const spki = Buffer.from(action.spki).toString("hex");
    tried.push([...names].find(([key]) => Buffer.from(key).toString("hex") === spki)?.[1] ?? "?");
    action = verifyIn(receiver.handle({ type: "verified", now: 0, valid: carryOutVerify(action) }));
  }
  return tried;
}

test("asks for one verification at a time, the offer's before the release's", () => {
  const offer = signedOffer(RELEASE);
  const first = send(offer);
  expect(first).toEqual([
    {
      type: "verify",
      algorithm: "ecdsa-p256-sha256",
      spki: OPERATOR.spki,
      kind: "offer",
      payload: parseEnvelope(offer).payload,
      signature: parseEnvelope(offer).signatures[0]!.sig,
    },
  ]);
  expect(receiver.state).toBe("idle");
  const second = receiver.handle({ type: "verified", now: 0, valid: true });
  expect(second).toMatchObject([{ type: "verify", kind: "release", spki: RELEASER.spki }]);
  receiver.handle({ type: "verified", now: 0, valid: true });
  expect(receiver.state).toBe("checking");
});

test("believes the answers, not the signatures", () => {
  send(signedOffer(RELEASE));
  receiver.handle({ type: "verified", now: 0, valid: false });
  expect(receiver.report(true).refused).toMatchObject({ count: 1, code: "signing/bad-signature" });
  send(signedOffer(null, {}, { offer: [STRANGER] }));
  receiver.handle({ type: "verified", now: 0, valid: true });
  expect(receiver.report(true)).toMatchObject({ accepted: [1, 1] });
});

test("tries each signature with the key that it names, then with other keys as the key set lists them", () => {
  const [a, b, c] = [createBenchKey(), createBenchKey(), createBenchKey()];
  const names = new Map([a, b, c].map((key, index) => [key.spki, "abc"[index]!]));
  start({ offer: [[a, b, c], 2] });
  const { payload, signatures } = parseEnvelope(signedOffer(null, {}, { offer: [c, b] }));
  const [byC, byB] = signatures as [(typeof signatures)[0], (typeof signatures)[0]];
  const misnamed = travelling({ payload, signatures: [{ ...byC, keyid: b.keyid }, byB] });
  expect(answerAll(send(misnamed), names)).toEqual(["b", "b", "a", "c"]);
  expect(receiver.report(true)).toMatchObject({ accepted: [1, 1] });
  const again = travelling({ payload, signatures: [byC, byC, byB] });
  expect(answerAll(send(again), names), "a key that counts already costs nothing more").toEqual(["c", "b"]);
});

test("stops at the threshold", () => {
  const [a, b] = [createBenchKey(), createBenchKey()];
  start({ offer: [[a, b], 1] });
  const names = new Map([
    [a.spki, "a"],
    [b.spki, "b"],
  ]);
  expect(answerAll(send(signedOffer(null, {}, { offer: [b, a] })), names)).toEqual(["b"]);
});

test("verifies a key set under the root keys of both sets", () => {
  const next = createBenchKey();
  const set = keySetOf(2, { root: [[next], 1], signers: [ROOT, next] });
  const names = new Map([
    [ROOT.spki, "current"],
    [next.spki, "next"],
  ]);
  expect(answerAll(send(set, "key-set"), names)).toEqual(["current", "next"]);
  expect(receiver.report(true).key_set).toBe(2);
});

test("takes a key set that replaces all root keys within eight verifications", () => {
  const roots = Array.from({ length: 6 }, () => createBenchKey());
  const [a, b, c, x, y, z] = roots as [BenchKey, BenchKey, BenchKey, BenchKey, BenchKey, BenchKey];
  start({ root: [[a, b, c], 2], signers: [a, b] });
  const names = new Map(roots.map((key, index) => [key.spki, "abcxyz"[index] as string]));
  const set = keySetOf(2, { root: [[x, y, z], 2], signers: [a, b, x, y] });
  expect(answerAll(send(set, "key-set"), names)).toEqual(["a", "b", "x", "y"]);
  expect(receiver.report(true).key_set).toBe(2);
});

test.for([
  ["an offer", "offer", signedOffer(null, { sequence: 2 })],
  ["a key set", "key-set", keySetOf(2)],
  ["bytes of no meaning", "offer", new Uint8Array(9)],
] as const)("drops %s as busy during a verification, and asks the broker again", ([, type, payload]) => {
  send(signedOffer(RELEASE));
  expect(send(payload, type, 5)).toEqual([{ type: "set-timer", timer: "verify", at: 60_000 }]);
  expect(receiver.stats.dropped).toEqual({ busy: 1 });
  expect(receiver.report(true).refused).toBeUndefined();
  receiver.handle({ type: "verified", now: 6, valid: true });
  receiver.handle({ type: "verified", now: 6, valid: true });
  expect(receiver.state, "the first is examined to its end").toBe("checking");
  // The budget is whole again a minute after the last verification.
  expect(receiver.handle({ type: "timer", now: 60_000, timer: "verify" })).toEqual([
    { type: "set-timer", timer: "verify", at: 60_006 },
  ]);
  const asked = receiver.handle({ type: "timer", now: 60_006, timer: "verify" });
  expect(asked.filter((action) => action.type === "subscribe").map(({ topic }) => topic)).toEqual([
    TOPICS.keys(2),
    TOPICS.offer,
    TOPICS.deviceOffer("bench-1"),
  ]);
});

test("passes over an empty message during a verification", () => {
  send(signedOffer(RELEASE));
  expect(send(new Uint8Array())).toEqual([]);
  expect(receiver.stats.dropped).toEqual({});
});

/** Downloading the image, with chunk 1 to be written next. */
function startDownload(): void {
  const names = new Map<Uint8Array, string>();
  answerAll(send(signedOffer(RELEASE)), names);
  receiver.handle({ type: "hashes", now: 0, image: imageIdOfBytes(IMAGE), payload: buildHashList(IMAGE) });
  for (let index = 0; index < 3; index++) {
    const result = { operation: "read-flash", bytes: new Uint8Array() } as const;
    receiver.handle({ type: "flash-done", now: 0, result });
  }
  receiver.handle({ type: "flash-done", now: 0, result: { operation: "erase-sector" } });
  expect(receiver.state).toBe("downloading");
}

const CHUNK = buildChunk({
  image: imageIdOfBytes(IMAGE),
  index: 1,
  bytes: IMAGE.subarray(CHUNK_SIZE, 2 * CHUNK_SIZE),
});

test("drops a chunk as busy during a verification, and takes it afterwards", () => {
  startDownload();
  send(signedOffer(null, { sequence: 2 }, { offer: [OPERATOR] }));
  expect(receiver.handle({ type: "chunk", now: 0, payload: CHUNK })).toEqual([]);
  expect(receiver.stats).toMatchObject({ chunksReceived: 1, dropped: { busy: 1 } });
  receiver.handle({ type: "verified", now: 0, valid: false });
  expect(receiver.handle({ type: "chunk", now: 0, payload: CHUNK })).toEqual([
    { type: "erase-sector", offset: CHUNK_SIZE },
  ]);
});

test("drops an envelope as busy while a chunk is being written", () => {
  startDownload();
  receiver.handle({ type: "chunk", now: 0, payload: CHUNK });
  expect(send(signedOffer(null, { sequence: 2 }))).toEqual([{ type: "set-timer", timer: "verify", at: 60_000 }]);
  receiver.handle({ type: "flash-done", now: 0, result: { operation: "erase-sector" } });
  receiver.handle({ type: "flash-done", now: 0, result: { operation: "program" } });
  expect(verifyIn(send(signedOffer(null, { sequence: 2 })))).toBeDefined();
});

test("handles timers, a lost connection and a new one during a verification", () => {
  startDownload();
  send(signedOffer(null, { sequence: 2 }));
  expect(receiver.handle({ type: "disconnected", now: 1 })).toEqual([]);
  expect(receiver.handle({ type: "timer", now: 2, timer: "request" })).toEqual([]);
  const connected = receiver.handle({ type: "connected", now: 3 });
  expect(connected.some((action) => action.type === "publish" && action.topic === TOPICS.request("bench-1"))).toBe(
    true,
  );
  expect(receiver.state).toBe("downloading");
  receiver.handle({ type: "verified", now: 4, valid: true });
  expect(receiver.report(true)).toMatchObject({ state: "idle", accepted: [1, 2] });
});

test("publishes nothing about an offer that was refused while the device was not connected", () => {
  send(signedOffer(null));
  receiver.handle({ type: "disconnected", now: 0 });
  expect(receiver.handle({ type: "verified", now: 0, valid: false })).toEqual([]);
  expect(receiver.report(true).refused?.count).toBe(1);
});

test("ignores an answer that it did not ask for", () => {
  expect(receiver.handle({ type: "verified", now: 0, valid: true })).toEqual([]);
  send(signedOffer(RELEASE));
  receiver.handle({ type: "verified", now: 0, valid: false });
  expect(receiver.handle({ type: "verified", now: 0, valid: true })).toEqual([]);
  expect(receiver.state).toBe("idle");
});

test("asks for no verification of an offer that nobody signed", () => {
  const [answer] = send(offerOf(RELEASE));
  expect(answer).toMatchObject({ type: "publish", retain: false });
  expect(parseStateReport((answer as Extract<ReceiverAction, { type: "publish" }>).payload)).toMatchObject({
    error: { code: "signing/unsigned" },
  });
});

test("skips signatures of keys whose algorithm the device does not have", () => {
  const ed25519 = createBenchKey("ed25519");
  const rsa = createBenchKey("rsa");
  start({ offer: [[ed25519, OPERATOR, rsa], 1] });
  expect(verifyIn(send(signedOffer(null, {}, { offer: [ed25519] })))).toBeUndefined();
  expect(receiver.report(true).refused?.code).toBe("signing/unsupported-algorithm");
  const both = verifyIn(send(signedOffer(null, {}, { offer: [ed25519, OPERATOR] })));
  expect(both).toMatchObject({ spki: OPERATOR.spki });
  receiver.handle({ type: "verified", now: 0, valid: false });
  expect(verifyIn(send(signedOffer(null, {}, { offer: [rsa] })))).toMatchObject({ algorithm: "rsa-pkcs1v15-sha256" });
});

test("verifies with the algorithms that it was made with", () => {
  const ed25519 = createBenchKey("ed25519");
  start({ offer: [[ed25519], 1] }, { algorithms: ["ecdsa-p256-sha256", "ed25519"] });
  answerAll(send(signedOffer(null, {}, { offer: [ed25519] })), new Map());
  expect(receiver.report(true).accepted).toEqual([1, 1]);
});

test.for(["root", "release", "offer"] as const)(
  "refuses a key set whose %s threshold needs an algorithm that the device lacks",
  (role) => {
    const ed25519 = createBenchKey("ed25519");
    const changes = { [role]: [[ROOT, ed25519], 2], signers: [ROOT, ed25519] } as const;
    answerAll(send(keySetOf(2, changes), "key-set"), new Map());
    expect(receiver.report(true)).toMatchObject({ key_set: 1, refused: { code: "signing/unsupported-algorithm" } });
    expect(() => start(changes)).toThrow(expect.objectContaining({ code: "signing/unsupported-algorithm" }));
    const usable = { ...changes, [role]: [[ROOT, ed25519], 1] } as const;
    answerAll(send(keySetOf(2, usable), "key-set"), new Map());
    expect(receiver.report(true).key_set).toBe(2);
  },
);

test("does not mistake a release's signature for the offer's", () => {
  const release = sealed("release", parseEnvelope(signedOffer(null)).payload, [OPERATOR]);
  const actions = send(travelling(release));
  expect(verifyIn(actions)).toMatchObject({ kind: "offer" });
  receiver.handle({ type: "verified", now: 0, valid: carryOutVerify(verifyIn(actions)!) });
  expect(receiver.report(true).refused?.code).toBe("signing/bad-signature");
});
