import fc from "fast-check";
import { expect, test } from "vitest";
import { buildPublishHeader, packetSize } from "./publish-packet.ts";

test("a header at QoS 1 is the one that the specification draws", () => {
  const header = buildPublishHeader({
    topic: "a/b",
    payloadSizeBytes: 300,
    qos: 1,
    retain: true,
    packetId: 10,
    version: 4,
  });
  expect([...header]).toEqual([
    0x33, // PUBLISH, QoS 1, retain
    0xb3,
    0x02, // remaining length 307 = 5 of topic, 2 of packet identifier, 300 of payload
    0x00,
    0x03,
    0x61,
    0x2f,
    0x62, // topic
    0x00,
    0x0a, // packet identifier
  ]);
});

test("QoS 0 has no packet identifier, and MQTT 5 an empty list of properties", () => {
  const parts = { topic: "a", payloadSizeBytes: 0, retain: false, packetId: 1 } as const;
  expect([...buildPublishHeader({ ...parts, qos: 0, version: 4 })]).toEqual([0x30, 3, 0, 1, 0x61]);
  expect([...buildPublishHeader({ ...parts, qos: 2, version: 5 })]).toEqual([0x34, 6, 0, 1, 0x61, 0, 1, 0]);
});

test("header and payload are together as long as the packet's size says", () => {
  fc.assert(
    fc.property(
      fc.record({
        topic: fc.string({ minLength: 1, maxLength: 100, unit: "grapheme" }),
        payloadSizeBytes: fc.integer({ min: 0, max: 268_000_000 }),
        qos: fc.constantFrom(0, 1, 2),
        retain: fc.boolean(),
        packetId: fc.integer({ min: 1, max: 65_535 }),
        version: fc.constantFrom(4, 5),
      }),
      (parts) => {
        const header = buildPublishHeader(parts);
        expect(header.length + parts.payloadSizeBytes).toBe(packetSize(parts));
        // Remaining length as section 2.2.3 decodes it.
        let [value, index] = [0, 1];
        for (let unit = 1; ; unit *= 128, index++) {
          value += ((header[index] ?? 0) & 0x7f) * unit;
          if ((header[index] ?? 0) < 0x80) break;
        }
        expect(value).toBe(packetSize(parts) - 1 - index);
        expect(index).toBeLessThanOrEqual(4);
      },
    ),
    { numRuns: 300 },
  );
});
