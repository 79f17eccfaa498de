import { createRequire } from "node:module";
import fc from "fast-check";
import { expect, test } from "vitest";
import { messageSizeMax } from "./message-size.ts";
import { PacketGuard, type PacketLimits, type PacketRefusal } from "./packet-guard.ts";

/** What mqtt.js and aedes read packets with. */
const mqttPacket: {
  parser(options?: { readonly protocolVersion: number }): {
    on(event: string, listener: (packet: { readonly length: number }) => void): void;
    parse(bytes: Uint8Array): number;
  };
  generate(packet: object): Uint8Array;
} = createRequire(createRequire(import.meta.url).resolve("mqtt"))("mqtt-packet");

const LIMITS: PacketLimits = {
  first: "connack",
  connectSizeMax: 8 * 1024,
  packetSizeMax: 64 * 1024,
  messageSizeMax: (topic) => messageSizeMax(topic),
};
const FROM_CLIENT: PacketLimits = { ...LIMITS, first: "connect" };

/** Accepted, no session. */
const CONNACK = [0x20, 2, 0, 0];
const ROOT = "tinybms/gateway/ota";
const IMAGE = "0123456789abcdef0123456789abcdef";

/** A fixed header: type and flags, then the remaining length as MQTT writes it. */
function header(type: number, length: number): number[] {
  const bytes = [type];
  let rest = length;
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>= 7;
  } while (rest > 0);
  return bytes;
}

/** The beginning of a PUBLISH at QoS 0 that announces a payload of so many bytes. */
function announce(topic: string, payloadSize: number): number[] {
  const name = [...new TextEncoder().encode(topic)];
  return [...header(0x30, 2 + name.length + payloadSize), name.length >> 8, name.length & 0xff, ...name];
}

function verdictOf(bytes: readonly number[], limits: PacketLimits = LIMITS): PacketRefusal | undefined {
  return new PacketGuard(limits).push(Uint8Array.from(bytes));
}

/** What may be announced besides topic and payload: packet identifier, properties. */
const EXTRA = 2 + 1_024;

test.for([
  [`${ROOT}/v1/offer`, 4 * 1024],
  [`${ROOT}/v1/device/bench-1/offer`, 4 * 1024],
  [`${ROOT}/v1/keys/7`, 4 * 1024],
  [`${ROOT}/v1/image/${IMAGE}/hashes`, 512 * 1024],
  [`${ROOT}/v1/image/${IMAGE}/chunk`, 4_116],
  [`${ROOT}/v1/device/bench-1/chunk`, 4_116],
  [`${ROOT}/v1/device/bench-1/request`, 1024],
  [`${ROOT}/v1/device/bench-1/state`, 1024],
  // A device may be called v1.
  [`${ROOT}/v1/device/v1/chunk`, 4_116],
  [ROOT, 64 * 1024],
  ["a", 64 * 1024],
  [`${ROOT}/v1/other`, 64 * 1024],
  ["a".repeat(129), 64 * 1024],
] as const)("admits messages on %s up to %i bytes", ([topic, sizeMax]) => {
  expect(verdictOf([...CONNACK, ...announce(topic, sizeMax + EXTRA)])).toBeUndefined();
  expect(verdictOf([...CONNACK, ...announce(topic, sizeMax + EXTRA + 1)])).toEqual({
    reason: "too-large",
    packet: "PUBLISH",
    topic: topic.length > 128 ? undefined : topic,
    sizeBytes: 2 + topic.length + EXTRA + sizeMax + 1,
    limitBytes: 2 + topic.length + EXTRA + sizeMax,
    offset: CONNACK.length,
  });
});

test("admits the configured size only on the topic of blob mode", () => {
  const blob = { topics: [ROOT], sizeMax: 2 * 1024 * 1024 };
  const limits = { ...LIMITS, messageSizeMax: (topic?: string) => messageSizeMax(topic, blob) };
  expect(verdictOf([...CONNACK, ...announce(ROOT, blob.sizeMax)], limits)).toBeUndefined();
  expect(verdictOf([...CONNACK, ...announce(ROOT, blob.sizeMax + EXTRA + 1)], limits)?.reason).toBe("too-large");
  expect(verdictOf([...CONNACK, ...announce("other", blob.sizeMax)], limits)?.reason).toBe("too-large");
  expect(verdictOf([...CONNACK, ...announce(`${ROOT}/v1/offer`, blob.sizeMax)], limits)?.reason).toBe("too-large");
});

test("applies each topic's own limit, also after another topic of the same length", () => {
  const guard = new PacketGuard(LIMITS);
  const request = announce(`${ROOT}/v1/device/a/request`, 0);
  const requests = announce(`${ROOT}/v1/device/a/requesT`, 60_000);
  expect(guard.push(Uint8Array.from([...CONNACK, ...request]))).toBeUndefined();
  expect(guard.push(Uint8Array.from([...requests, ...new Array<number>(60_000).fill(0)]))).toBeUndefined();
  expect(guard.push(Uint8Array.from(announce(`${ROOT}/v1/device/a/request`, 60_000)))?.reason).toBe("too-large");
});

test.for([
  ["PUBLISH of 256 MB", [0x30, 0xff, 0xff, 0xff, 0x7f], "first-packet", "PUBLISH"],
  ["CONNECT of 256 MB", [0x10, 0xff, 0xff, 0xff, 0x7f], "too-large", "CONNECT"],
  ["CONNECT of 8 KiB and a byte", header(0x10, 8 * 1024 + 1), "too-large", "CONNECT"],
  ["length of five bytes", [0x10, 0x80, 0x80, 0x80, 0x80, 0x00], "length", "CONNECT"],
  ["GET / HTTP/1.1", [...new TextEncoder().encode("GET / HTTP/1.1")], "first-packet", "PUBACK"],
  ["packet of type 0", [0, 0], "first-packet", "reserved"],
] as const)("refuses a connection that begins with a %s", ([, bytes, reason, packet]) => {
  expect(verdictOf(bytes, FROM_CLIENT)).toMatchObject({ reason, packet, offset: 0 });
});

test.for([
  ["no room for the topic's length", [0x30, 1, 0], "topic"],
  ["no room for the topic", [0x30, 4, 0, 3, 0x61, 0x62], "topic"],
  ["a SUBACK of 64 KiB and a byte", header(0x90, 64 * 1024 + 1), "too-large"],
  ["a length of five bytes", [0x30, 0xff, 0xff, 0xff, 0xff, 0x01], "length"],
] as const)("refuses %s after CONNACK", ([, bytes, reason]) => {
  expect(verdictOf([...CONNACK, ...bytes])).toMatchObject({ reason, offset: CONNACK.length });
});

test("refuses everything after a refusal", () => {
  const guard = new PacketGuard(LIMITS);
  const refusal = guard.push(Uint8Array.from([0x30, 0]));
  expect(refusal?.reason).toBe("first-packet");
  expect(guard.push(Uint8Array.from(CONNACK))).toBe(refusal);
});

test("reports the announced size of a packet until its last byte", () => {
  const guard = new PacketGuard(LIMITS);
  guard.push(Uint8Array.from([...CONNACK, ...announce("a", 1_000)]));
  expect(guard.unfinishedBytes).toBe(1_003);
  guard.push(new Uint8Array(999));
  expect(guard.unfinishedBytes).toBe(1_003);
  guard.push(new Uint8Array(1));
  expect(guard.unfinishedBytes).toBe(0);
});

const topic = fc.oneof(
  fc.constantFrom(`${ROOT}/v1/offer`, `${ROOT}/v1/device/a/request`, `${ROOT}/v1/image/${IMAGE}/chunk`, ROOT),
  fc.string({ minLength: 1, maxLength: 200, unit: "grapheme-ascii" }),
);
const packet = fc.oneof(
  fc.record({
    cmd: fc.constant("publish"),
    topic,
    payload: fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 2_000, maxLength: 9_000 })),
    qos: fc.constantFrom(0, 1, 2),
    messageId: fc.integer({ min: 1, max: 65_535 }),
  }),
  fc.record({ cmd: fc.constantFrom("puback", "pubrel"), messageId: fc.integer({ min: 1, max: 65_535 }) }),
  fc.record({ cmd: fc.constantFrom("pingreq", "pingresp") }),
  fc.record({
    cmd: fc.constant("suback"),
    messageId: fc.constant(1),
    granted: fc.array(fc.constantFrom(0, 1, 128), { minLength: 1 }),
  }),
);

type Packet = typeof packet extends fc.Arbitrary<infer Value> ? Value : never;

function bytesOf(value: Packet): Uint8Array {
  return mqttPacket.generate("payload" in value ? { ...value, payload: Buffer.from(value.payload) } : value);
}

/** Bytes behind the fixed header. All packets here are shorter than 16 KiB. */
function remainingLengthOf(bytes: Uint8Array): number {
  return bytes.length - (bytes.length < 2 + 128 ? 2 : 3);
}

/** Pushes bytes in pieces of these sizes, again and again. */
function pushInPieces(guard: PacketGuard, bytes: Uint8Array, sizes: readonly number[]): PacketRefusal | undefined {
  let verdict: PacketRefusal | undefined;
  let offset = 0;
  for (let turn = 0; offset < bytes.length; turn++) {
    const end = Math.min(bytes.length, offset + (sizes[turn % sizes.length] ?? 1));
    verdict = guard.push(bytes.subarray(offset, end));
    offset = end;
  }
  return verdict;
}

const sizes = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 8 });

test("judges packets by their lengths, however they are divided", () => {
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 8 }), sizes, (packets, cuts) => {
      const stream = Buffer.concat([Uint8Array.from(CONNACK), ...packets.map(bytesOf)]);
      const isTooLarge = packets.map(
        (each) =>
          "payload" in each &&
          remainingLengthOf(bytesOf(each)) > 2 + each.topic.length + EXTRA + messageSizeMax(topicIn(each.topic)),
      );
      const verdict = new PacketGuard(LIMITS).push(stream);
      expect(verdict !== undefined).toBe(isTooLarge.includes(true));
      if (verdict !== undefined) {
        const before = packets.slice(0, isTooLarge.indexOf(true)).map((each) => bytesOf(each).length);
        expect(verdict.offset).toBe(before.reduce((sum, size) => sum + size, CONNACK.length));
      }
      expect(pushInPieces(new PacketGuard(LIMITS), stream, cuts)).toEqual(verdict);
    }),
    { numRuns: 500 },
  );
});

/** A topic as the limits see it. */
const topicIn = (text: string): string | undefined => (text.length <= 128 ? text : undefined);

test("finds the start and end of packets that a parser reads", () => {
  fc.assert(
    fc.property(fc.array(packet, { minLength: 1, maxLength: 8 }), (packets) => {
      const unlimited = { ...LIMITS, packetSizeMax: 2 ** 28, messageSizeMax: () => 2 ** 28 };
      const guard = new PacketGuard(unlimited);
      guard.push(Uint8Array.from(CONNACK));
      const parser = mqttPacket.parser();
      const lengths: number[] = [];
      parser.on("packet", ({ length }) => lengths.push(length));
      for (const each of packets) {
        const bytes = bytesOf(each);
        parser.parse(bytes);
        expect(guard.push(bytes.subarray(0, -1))).toBeUndefined();
        // A PUBLISH is judged once its topic is there; the last byte may be the topic's.
        const open = guard.unfinishedBytes;
        if (open > 0) expect(open).toBe(lengths.at(-1));
        expect(guard.push(bytes.subarray(-1))).toBeUndefined();
        expect(guard.unfinishedBytes).toBe(0);
        expect(lengths.at(-1)).toBe(remainingLengthOf(bytes));
      }
      expect(lengths).toHaveLength(packets.length);
    }),
    { numRuns: 300 },
  );
});

test("gives the same verdict for any bytes, however they are divided, and buffers only a few", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), sizes, fc.boolean(), (bytes, cuts, isServed) => {
      const limits = isServed ? FROM_CLIENT : LIMITS;
      const stream = isServed ? bytes : Uint8Array.from([...CONNACK, ...bytes]);
      const whole = new PacketGuard(limits);
      const verdict = whole.push(stream);
      expect(pushInPieces(new PacketGuard(limits), stream, cuts)).toEqual(verdict);
      expect(whole.unfinishedBytes).toBeLessThanOrEqual(128 * 1024 + 2 + 128 + EXTRA);
    }),
    { numRuns: 1_000 },
  );
});
