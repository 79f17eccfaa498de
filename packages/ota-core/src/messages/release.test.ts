import fc from "fast-check";
import { expect, test } from "vitest";
import { utf8 } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import type { Release } from "../schemas/types.generated.ts";
import { buildRelease, parseRelease } from "./release.ts";

const RELEASE: Release = {
  release: 1,
  product: "TinyBMS Web Gateway",
  hardware: "esp32",
  version: "1.2.3",
  created_at: "2026-01-31T12:00:00Z",
  image: {
    sha256: "ab".repeat(32),
    size: 1_286_096,
    chunk_size: 4096,
    hash_list_sha256: "cd".repeat(32),
    secure_version: 0,
    chip_id: 0,
  },
};
const hash = fc.stringMatching(/^[0-9a-f]{64}$/);
const release: fc.Arbitrary<Release> = fc.record({
  release: fc.constant(1 as const),
  product: fc.string({ unit: "binary", minLength: 1, maxLength: 60 }),
  hardware: fc.string({ minLength: 1, maxLength: 64 }),
  version: fc.string({ minLength: 1, maxLength: 128 }),
  created_at: fc
    .date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true })
    .map((date) => date.toISOString()),
  image: fc.record({
    sha256: hash,
    size: fc.integer({ min: 1, max: 134_217_728 }),
    chunk_size: fc.constant(4096 as const),
    hash_list_sha256: hash,
    secure_version: fc.nat({ max: 2_147_483_647 }),
    chip_id: fc.nat({ max: 0xffff }),
  }),
});

test("every built release is parsed back to itself", () => {
  fc.assert(fc.property(release, (value) => void expect(parseRelease(buildRelease(value))).toEqual(value)));
});

test("any bytes give a release or an OtaError", () => {
  const damaged = fc.tuple(release, fc.nat(), fc.nat({ max: 255 })).map(([value, place, byte]) => {
    const bytes = buildRelease(value);
    bytes[place % bytes.length] = byte;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), damaged), (bytes) => {
      try {
        const value = parseRelease(bytes);
        expect(parseRelease(buildRelease(value))).toEqual(value);
      } catch (error) {
        if (!isOtaError(error, "protocol/malformed")) throw error;
      }
    }),
    { numRuns: 300 },
  );
});

test.for([
  ["of another format", { ...RELEASE, release: 2 }, "/release", "release: release is 2; it must be 1"],
  [
    "in other chunks",
    { ...RELEASE, image: { ...RELEASE.image, chunk_size: 8192 } },
    "/image/chunk_size",
    "release: chunk_size is 8192; it must be 4096",
  ],
  ["of no bytes", { ...RELEASE, image: { ...RELEASE.image, size: 0 } }, "/image/size", "at least 1"],
  [
    "with a hash in capitals",
    { ...RELEASE, image: { ...RELEASE.image, sha256: "AB".repeat(32) } },
    "/image/sha256",
    "it must be a SHA-256 as 64 lower-case hexadecimal digits",
  ],
  ["of the 13th month", { ...RELEASE, created_at: "2026-13-01T00:00:00Z" }, "/created_at", "a date and time in UTC"],
  ["in another time zone", { ...RELEASE, created_at: "2026-01-01T00:00:00+01:00" }, "/created_at", "at most 24"],
] as const)("a release %s is refused with the place of the fault", ([, value, path, message]) => {
  expect(() => parseRelease(utf8(JSON.stringify(value)))).toThrow(
    expect.objectContaining({
      code: "protocol/malformed",
      message: expect.stringContaining(message),
      details: { message: "release", path },
    }),
  );
});

test("refuses to build a release that no device would accept", () => {
  expect(() => buildRelease({ ...RELEASE, hardware: "" })).toThrow("release: hardware is empty");
});

test("unknown members are kept", () => {
  const value = { ...RELEASE, notes: "for later" };
  expect(parseRelease(utf8(JSON.stringify(value)))).toEqual(value);
});
