/** The test vectors of the protocol: up to date, and what a device with them does. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import {
  buildRequest,
  buildStateReport,
  parseChunk,
  parseHashList,
  parseOffer,
  Receiver,
  type ReceiverAction,
} from "@tinybms/ota-core";
import {
  carryOutVerify,
  earliestBuildTime,
  parseEnvelope,
  readKeySet,
  verifyEnvelope,
  verifySignature,
} from "@tinybms/ota-core/signing";
import { expect, test } from "vitest";
import { latestTime } from "../packages/ota-core/src/signing/time-floor.ts";
import { type ProtocolVectors, pageWithExamples, protocolVectors } from "../scripts/message-vectors.ts";

const ROOT = resolve(import.meta.dirname, "..");
const VECTORS = JSON.parse(readFileSync(resolve(ROOT, "vectors/messages.json"), "utf8")) as ProtocolVectors;
const { device: facts, envelopes } = VECTORS;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const messageOf = (name: string): Uint8Array => bytesOf(envelopes[name]?.message ?? "");
const KEYS = readKeySet(messageOf("key-set"), verifySignature);

/** A device of the vectors that is connected. `tell` gives it an offer and returns what it published. */
function startDevice(): { tell(message: Uint8Array): Report[] } {
  const receiver = new Receiver({
    ...{ device: facts.device, topicRoot: facts.topic_root, product: facts.product, chipId: facts.chip_id },
    ...{ allowUnsigned: false, keySet: KEYS, random: () => 0 },
  });
  let now = 0;
  const handle = (event: Parameters<Receiver["handle"]>[0]): ReceiverAction[] => {
    const actions = receiver.handle(event);
    const verify = actions.find((action) => action.type === "verify");
    if (verify === undefined) return actions;
    return [...actions, ...handle({ type: "verified", now, valid: carryOutVerify(verify) })];
  };
  handle({
    ...{ type: "booted", now, bootCount: 1, cleanReset: true, rollback: true, record: undefined },
    running: {
      ...{ version: "1.2.2", projectName: "gateway", builtAt: facts.built_at, slot: "ota_0" },
      ...{ sha256: facts.running_sha256, pendingVerify: false },
    },
    target: { slot: "ota_1", sizeBytes: facts.slot_size, condemned: false },
    secureVersion: facts.secure_version,
  });
  handle({ type: "connected", now });
  return {
    tell(payload) {
      now += 60_000;
      return handle({ type: "offer", now, payload, retained: false }).flatMap((action) =>
        action.type === "publish" && action.topic.endsWith("/state")
          ? [JSON.parse(new TextDecoder().decode(action.payload)) as Report]
          : [],
      );
    },
  };
}

interface Report {
  readonly state: string;
  readonly error?: { readonly code: string };
  readonly refused?: { readonly count: number };
}

test("the vectors and the examples of the page are what the script makes", () => {
  expect(protocolVectors(VECTORS)).toEqual(VECTORS);
  const page = readFileSync(resolve(ROOT, "docs/protocol.md"), "utf8");
  expect(pageWithExamples(page, VECTORS)).toBe(page);
});

test.for(Object.entries(VECTORS.envelopes))("the envelope %s verifies and holds its payload", ([name, entry]) => {
  const kind = name === "key-set" ? "keys" : name === "release" ? "release" : "offer";
  const { payload } = verifyEnvelope(parseEnvelope(bytesOf(entry.message)), kind, KEYS, verifySignature);
  expect(JSON.parse(new TextDecoder().decode(payload))).toEqual(entry.payload);
  const release = kind === "offer" ? parseOffer(payload).release : null;
  if (release !== null) verifyEnvelope(release, "release", KEYS, verifySignature);
});

test("the chunks are those of the hash list and of the image", () => {
  const { size, hash_list, hash_list_sha256 } = VECTORS.image;
  const list = parseHashList(Buffer.from(String(hash_list), "hex"), Number(size), String(hash_list_sha256));
  for (const [index, hex] of VECTORS.chunks.entries()) {
    const chunk = parseChunk(Buffer.from(hex, "hex"));
    expect(chunk.index).toBe(index);
    expect(list.matches(index, chunk.bytes)).toBe(true);
    const at = (offset: number): number =>
      (31 * (index * 4_096 + offset) + Math.floor((index * 4_096 + offset) / 256)) % 256;
    expect(chunk.bytes.every((byte, offset) => byte === at(offset))).toBe(true);
  }
});

test("request and report are messages of the protocol", () => {
  buildRequest(VECTORS.request as Parameters<typeof buildRequest>[0]);
  buildStateReport(VECTORS.state as Parameters<typeof buildStateReport>[0]);
});

test.for(VECTORS.floors)("a device goes by the time %j", ({ built_at, key_set, offer, clock, time }) => {
  const [date = "", clockTime = ""] =
    built_at === null ? [] : [String(built_at).slice(0, 11), String(built_at).slice(12)];
  const built = earliestBuildTime({ date, time: clockTime });
  expect(latestTime([built, key_set, offer, clock].map((it) => it ?? undefined)) ?? null).toBe(time);
});

test("a device takes the offer, and then the withdrawal", () => {
  const device = startDevice();
  expect(device.tell(messageOf("offer"))).toMatchObject([{ state: "checking", accepted: [1, 42] }]);
  expect(device.tell(messageOf("withdrawal"))).toMatchObject([{ state: "idle", error: { code: "offer/withdrawn" } }]);
});

test.for(VECTORS.refused)("a device refuses $name with $code", ({ after, message, code }) => {
  const device = startDevice();
  if (after !== null) device.tell(messageOf(after));
  const reports = device.tell(bytesOf(message));
  if (code === null) return expect(reports).toEqual([]);
  expect(reports).toHaveLength(1);
  expect(reports[0]?.error?.code).toBe(code);
  expect(["rejected", "waiting"]).toContain(reports[0]?.state);
});
