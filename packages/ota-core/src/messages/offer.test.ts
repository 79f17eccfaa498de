import fc from "fast-check";
import { expect, test } from "vitest";
import { utf8 } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import { buildOffer, type OfferDocument, parseOffer } from "./offer.ts";

const WITHDRAWAL: OfferDocument = {
  offer: 1,
  id: "0123456789abcdef0123456789abcdef",
  topic_root: "tinybms/gateway/ota",
  epoch: 1,
  sequence: 42,
  issued_at: "2026-01-31T12:00:00Z",
  release: null,
  chunk_encodings: ["identity"],
  target: "all",
};

const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
const device = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/);
const time = fc.constantFrom("2026-01-31T12:00:00Z", "2026-12-01T23:59:59.999Z");
const target: fc.Arbitrary<OfferDocument["target"]> = fc.oneof(
  fc.constant("all" as const),
  fc.record({ devices: fc.array(device, { minLength: 1, maxLength: 20 }) }),
  fc.record({ rollout: fc.record({ permille: fc.nat({ max: 1000 }), salt: hex(16) }) }),
);
const envelope = fc.record({
  payload: fc.uint8Array({ maxLength: 600 }),
  signatures: fc.array(
    fc.record({ keyid: hex(32), alg: fc.constant("ed25519"), sig: fc.uint8Array({ minLength: 64, maxLength: 64 }) }),
    { maxLength: 4 },
  ),
});
const offer: fc.Arbitrary<OfferDocument> = fc.record(
  {
    offer: fc.constant(1 as const),
    id: hex(32),
    topic_root: fc.string({ minLength: 1, maxLength: 45 }),
    epoch: fc.integer({ min: 1, max: 2_147_483_647 }),
    sequence: fc.integer({ min: 1, max: 2_147_483_647 }),
    issued_at: time,
    expires_at: time,
    release: fc.option(envelope),
    chunk_encodings: fc.subarray(["identity", "deflate"], { minLength: 1 }),
    target,
    constraints: fc.record(
      { from_images: fc.array(hex(32), { minLength: 1, maxLength: 4 }), min_battery_percent: fc.nat({ max: 100 }) },
      { requiredKeys: [] },
    ),
    spread_ms: fc.nat({ max: 3_600_000 }),
    probation_ms: fc.integer({ min: 1000, max: 3_600_000 }),
    waive: fc.subarray(["chip-id", "project-name", "constraints"] as const).map((checks) => [...checks]),
    critical: fc.array(fc.string({ minLength: 1, maxLength: 64 }), { maxLength: 4 }),
  },
  {
    requiredKeys: [
      "offer",
      "id",
      "topic_root",
      "epoch",
      "sequence",
      "issued_at",
      "release",
      "chunk_encodings",
      "target",
    ],
  },
);

test("every built offer is parsed back to itself, with its release as an envelope", () => {
  fc.assert(fc.property(offer, (value) => void expect(parseOffer(buildOffer(value))).toEqual(value)));
});

test("any bytes give an offer or an OtaError", () => {
  const damaged = fc.tuple(offer, fc.nat(), fc.nat({ max: 255 })).map(([value, place, byte]) => {
    const bytes = buildOffer(value);
    bytes[place % bytes.length] = byte;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), damaged), (bytes) => {
      try {
        const value = parseOffer(bytes);
        expect(parseOffer(buildOffer(value))).toEqual(value);
      } catch (error) {
        if (!isOtaError(error, "protocol/malformed")) throw error;
      }
    }),
    { numRuns: 300 },
  );
});

test.for([
  ["of another format", { offer: 2 }, "/offer"],
  ["with sequence 0", { sequence: 0 }, "/sequence"],
  ["with a release that is no envelope", { release: { payload: 1, signatures: [] } }, "/release/payload"],
  ["with a release in another base64", { release: { payload: "QR==", signatures: [] } }, "/payload"],
  ["for two kinds of target", { target: { devices: ["a"], rollout: { permille: 1, salt: "00" } } }, "/target"],
  ["for no device", { target: { devices: [] } }, "/target/devices"],
  ["for a device that is a path", { target: { devices: ["../a"] } }, "/target/devices/0"],
  ["with a salt of half a byte", { target: { rollout: { permille: 1, salt: "abc" } } }, "/target/rollout/salt"],
  ["for 1001 of 1000", { target: { rollout: { permille: 1001, salt: "ab" } } }, "/target/rollout/permille"],
  ["with a probation of a moment", { probation_ms: 999 }, "/probation_ms"],
  ["that waives the signatures", { waive: ["signatures"] }, "/waive/0"],
  ["without an encoding", { chunk_encodings: [] }, "/chunk_encodings"],
] as const)("an offer %s is refused with the place of the fault", ([, change, path]) => {
  expect(() => parseOffer(utf8(JSON.stringify({ ...WITHDRAWAL, ...change })))).toThrow(
    expect.objectContaining({ code: "protocol/malformed", details: expect.objectContaining({ path }) }),
  );
});

test("unknown encodings and critical features are parsed, so that a device can report them", () => {
  const value: OfferDocument = { ...WITHDRAWAL, chunk_encodings: ["zstd"], critical: ["delta"] };
  expect(parseOffer(buildOffer(value))).toEqual(value);
});

test("an offer above 4096 bytes is refused before it is parsed", () => {
  expect(() => parseOffer(new Uint8Array(4097))).toThrow(expect.objectContaining({ code: "protocol/too-large" }));
});

test.each([
  { devices: 5, rollout: { permille: 500, salt: "00" } },
  { devices: ["bench-1"], rollout: "everybody" },
])("refuses a target that names devices and a rollout: %j", (target) => {
  const payload = utf8(JSON.stringify({ ...WITHDRAWAL, target }));
  expect(() => parseOffer(payload)).toThrow("it must name one of them");
});

test.each(["\\/", "\\u0061", "\\u002B"])("refuses a character of identifiers that is written as %s", (written) => {
  const payload = utf8(JSON.stringify(WITHDRAWAL).replace("tinybms/gateway", `tinybms${written}gateway`));
  expect(() => parseOffer(payload)).toThrow("may not be written as an escape");
});
