import fc from "fast-check";
import { expect, test } from "vitest";
import { utf8 } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import {
  imageIdOf,
  isDeviceId,
  isTopicRoot,
  type ParsedTopic,
  parseTopic,
  TOPIC_SIZE_MAX,
  topicsOf,
} from "./topics.ts";

const ROOT = "tinybms/gateway/ota";
const IMAGE = "000102030405060708090a0b0c0d0e0f";

const device = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
const image = fc.stringMatching(/^[0-9a-f]{32}$/);
const root = fc.string({ unit: "binary", minLength: 1, maxLength: 45 }).filter(isTopicRoot);
const parsed: fc.Arbitrary<ParsedTopic> = fc.oneof(
  fc.record({ kind: fc.constant("keys" as const), epoch: fc.integer({ min: 1, max: 2_147_483_647 }) }),
  fc.constant({ kind: "offer" as const }),
  fc.record({ kind: fc.constantFrom("device-offer", "device-chunk", "request", "state"), device }),
  fc.record({ kind: fc.constantFrom("hashes", "image-chunk"), image }),
);

/** The topic that means what `topic` says. */
function topicFor(base: string, topic: ParsedTopic): string {
  const topics = topicsOf(base);
  switch (topic.kind) {
    case "keys":
      return topics.keys(topic.epoch);
    case "offer":
      return topics.offer;
    case "device-offer":
      return topics.deviceOffer(topic.device);
    case "hashes":
      return topics.hashes(topic.image);
    case "image-chunk":
      return topics.imageChunk(topic.image);
    case "device-chunk":
      return topics.deviceChunk(topic.device);
    case "request":
      return topics.request(topic.device);
    case "state":
      return topics.state(topic.device);
  }
}

test("builds the topics in the table of the protocol", () => {
  const topics = topicsOf(ROOT);
  expect(topics.keys(3)).toBe("tinybms/gateway/ota/v1/keys/3");
  expect(topics.offer).toBe("tinybms/gateway/ota/v1/offer");
  expect(topics.deviceOffer("bench-1")).toBe("tinybms/gateway/ota/v1/device/bench-1/offer");
  expect(topics.hashes(IMAGE)).toBe(`tinybms/gateway/ota/v1/image/${IMAGE}/hashes`);
  expect(topics.imageChunk(IMAGE)).toBe(`tinybms/gateway/ota/v1/image/${IMAGE}/chunk`);
  expect(topics.deviceChunk("bench-1")).toBe("tinybms/gateway/ota/v1/device/bench-1/chunk");
  expect(topics.request("bench-1")).toBe("tinybms/gateway/ota/v1/device/bench-1/request");
  expect(topics.state("bench-1")).toBe("tinybms/gateway/ota/v1/device/bench-1/state");
  expect(topics.keysFilter).toBe("tinybms/gateway/ota/v1/keys/+");
  expect(topics.requestFilter).toBe("tinybms/gateway/ota/v1/device/+/request");
  expect(topics.stateFilter).toBe("tinybms/gateway/ota/v1/device/+/state");
});

test("every topic is parsed back to its meaning and has at most 128 bytes", () => {
  fc.assert(
    fc.property(root, parsed, (base, topic) => {
      const text = topicFor(base, topic);
      expect(parseTopic(base, text)).toEqual(topic);
      expect(utf8(text).length).toBeLessThanOrEqual(TOPIC_SIZE_MAX);
    }),
  );
});

test("any text below a root is refused, or built back to the same text", () => {
  const level = fc.constantFrom(
    "offer",
    "keys",
    "device",
    "image",
    "chunk",
    "hashes",
    "state",
    "1",
    "01",
    "a",
    IMAGE,
    "",
    "+",
  );
  const tail = fc.oneof(
    fc.string(),
    fc.array(level, { maxLength: 4 }).map((levels) => levels.join("/")),
  );
  fc.assert(
    fc.property(tail, (text) => {
      const topic = parseTopic(ROOT, `${ROOT}/v1/${text}`);
      if (topic !== undefined) expect(topicFor(ROOT, topic)).toBe(`${ROOT}/v1/${text}`);
    }),
    { numRuns: 500 },
  );
});

test.for([
  ["another root's", "tinybms/other/v1/offer"],
  ["a root's that begins alike", `${ROOT}2/v1/offer`],
  ["another version's", `${ROOT}/v2/offer`],
  ["a level too many", `${ROOT}/v1/offer/more`],
  ["an epoch of 0", `${ROOT}/v1/keys/0`],
  ["an epoch with a leading zero", `${ROOT}/v1/keys/01`],
  ["an epoch beyond 2³¹ − 1", `${ROOT}/v1/keys/2147483648`],
  ["an image in capitals", `${ROOT}/v1/image/${IMAGE.toUpperCase()}/chunk`],
  ["a device with a leading dot", `${ROOT}/v1/device/.a/state`],
  ["an unknown leaf", `${ROOT}/v1/device/a/log`],
])("%s topic is refused", ([, topic]) => {
  expect(parseTopic(ROOT, topic ?? "")).toBeUndefined();
});

test.for([
  ["bench-1", true],
  ["a", true],
  ["0".repeat(64), true],
  ["0".repeat(65), false],
  ["", false],
  ["-a", false],
  ["..", false],
  ["a/b", false],
  ["a\n", false],
  ["gerät", false],
] as const)("%j can name a device: %s", ([text, expected]) => {
  expect(isDeviceId(text)).toBe(expected);
});

test.for([
  [ROOT, true],
  ["/leading", true],
  ["x".repeat(45), true],
  // 128 − 83 bytes are left when the device has a name of 64
  ["x".repeat(46), false],
  ["é".repeat(23), false],
  ["", false],
  ["a/+/b", false],
  ["a/#", false],
  ["a\0b", false],
  ["a\nb", false],
  ["$share/group/a", false],
  ["\ud800", false],
] as const)("%j can be a topic root: %s", ([text, expected]) => {
  expect(isTopicRoot(text)).toBe(expected);
});

test("text that can't be part of a topic is refused with protocol/topic-invalid", () => {
  const topics = topicsOf(ROOT);
  const attempts = [
    () => topicsOf("a/#"),
    () => topics.state("a/b"),
    () => topics.state("+"),
    () => topics.hashes("+"),
    () => topics.keys(0),
    () => topics.keys(1.5),
  ];
  for (const attempt of attempts) {
    try {
      attempt();
      expect.unreachable("a topic was made");
    } catch (error) {
      expect(isOtaError(error, "protocol/topic-invalid"), String(error)).toBe(true);
    }
  }
});

test("the id of an image is its hash's first 16 bytes, given as bytes or digits", () => {
  const hash = Uint8Array.from({ length: 32 }, (_, index) => index);
  expect(imageIdOf(hash)).toBe(IMAGE);
  expect(imageIdOf("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F")).toBe(IMAGE);
});
