import { parseOffer } from "@tinybms/ota-core";
import { parseRelease, type ReleaseParts } from "@tinybms/ota-core/signing";
import { expect, test } from "vitest";
import {
  buildOfferPayload,
  type OfferParts,
  offerTopicsOf,
  TARGET_DEVICES_MAX,
  unsignedRelease,
} from "./offer-payload.ts";

const RELEASE: ReleaseParts = {
  product: "gateway",
  hardware: "esp32s3",
  version: "1.2.3",
  createdAt: "2026-01-31T12:00:00.123456+00:00",
  image: {
    sizeBytes: 5000,
    sha256: "ab".repeat(32),
    hashListSha256: "cd".repeat(32),
    chipId: 9,
    secureVersion: 2,
  },
};

const OFFER: OfferParts = {
  id: "0123456789abcdef0123456789abcdef",
  topicRoot: "bench/ota",
  counter: [2, 41],
  issuedAt: new Date("2026-02-01T00:00:00Z"),
  target: "all",
  expectedCount: 40,
};

const offerOf = (parts: Partial<OfferParts> = {}, release: Partial<ReleaseParts> = {}) =>
  parseOffer(buildOfferPayload(unsignedRelease({ ...RELEASE, ...release }), { ...OFFER, ...parts }));

test("an offer has its target and number, and contains the release as it was packaged", () => {
  const { release, ...offer } = offerOf();
  expect(offer).toEqual({
    offer: 1,
    id: OFFER.id,
    topic_root: "bench/ota",
    epoch: 2,
    sequence: 41,
    issued_at: "2026-02-01T00:00:00.000Z",
    chunk_encodings: ["identity"],
    target: "all",
    spread_ms: 80,
    restart_spread_ms: 800,
  });
  expect(release?.signatures).toEqual([]);
  expect(parseRelease(release!.payload)).toEqual({
    release: 1,
    product: "gateway",
    hardware: "esp32s3",
    version: "1.2.3",
    created_at: "2026-01-31T12:00:00.123Z",
    image: {
      sha256: "ab".repeat(32),
      size: 5000,
      chunk_size: 4096,
      hash_list_sha256: "cd".repeat(32),
      secure_version: 2,
      chip_id: 9,
    },
  });
});

test("one signature of a release serves all of its offers", () => {
  const later = offerOf({ counter: [3, 1], issuedAt: new Date("2027-01-01T00:00:00Z"), target: { devices: ["a"] } });
  expect(later.release).toEqual(offerOf().release);
});

test.for([
  [undefined, 2_000],
  [0, 0],
  [1, 0],
  [2, 4],
  [1_000, 2_000],
  [10_000_000, 3_600_000],
] as const)("spreads the first requests of %o devices over %i ms", ([expectedCount, spread]) => {
  expect(offerOf({ expectedCount }).spread_ms).toBe(spread);
});

test("an offer for named devices goes to their own topics", () => {
  const target = { devices: ["bench-1", "bench-2"] };
  expect(offerOf({ target }).target).toEqual(target);
  expect(offerTopicsOf("bench/ota", target)).toEqual([
    "bench/ota/v1/device/bench-1/offer",
    "bench/ota/v1/device/bench-2/offer",
  ]);
  expect(offerTopicsOf("bench/ota", "all")).toEqual(["bench/ota/v1/offer"]);
});

test("sixty names of a usual length fit into an offer", () => {
  const devices = Array.from({ length: 60 }, (_, index) => `gateway-${String(index).padStart(12, "0")}`);
  expect(offerOf({ target: { devices } }).target).toEqual({ devices });
});

test("makes no offer for more devices than it can list, or with an invalid time", () => {
  const devices = Array.from({ length: TARGET_DEVICES_MAX + 1 }, (_, index) => `d${index}`);
  expect(() => offerOf({ target: { devices } })).toThrow(expect.objectContaining({ code: "protocol/malformed" }));
});
