import fc from "fast-check";
import { expect, test } from "vitest";
import { Bitmap } from "../bitmap.ts";
import { utf8 } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import type { DeviceRequest } from "../schemas/types.generated.ts";
import { buildRequest, parseRequest, REQUEST_RANGES_MAX } from "./request.ts";

const IMAGE = "000102030405060708090a0b0c0d0e0f";
const REQUEST: DeviceRequest = {
  protocol: 1,
  image: IMAGE,
  missing: [
    [0, 2],
    [5, 1],
  ],
  missing_count: 3,
  window: 16,
  unicast: false,
};

/** Requests as a device makes them: the lowest ranges of what it lacks. */
const request: fc.Arbitrary<DeviceRequest> = fc
  .record({
    positions: fc.uniqueArray(fc.nat({ max: 999 }), { minLength: 1, maxLength: 300, size: "max" }),
    window: fc.nat({ max: 32_768 }),
    unicast: fc.boolean(),
  })
  .map(({ positions, window, unicast }) => {
    const bitmap = new Bitmap(1000);
    for (const position of positions) bitmap.add(position);
    const missing = bitmap.ranges(REQUEST_RANGES_MAX).map(([first, count]): [number, number] => [first, count]);
    return { protocol: 1, image: IMAGE, missing, missing_count: bitmap.count, window, unicast };
  });

test("every built request is parsed back to itself and fits into 1024 bytes", () => {
  fc.assert(fc.property(request, (value) => void expect(parseRequest(buildRequest(value))).toEqual(value)));
});

test("the largest request fits into 1024 bytes", () => {
  const missing = Array.from({ length: REQUEST_RANGES_MAX }, (_, index): [number, number] => [
    10_000 + index * 300,
    200,
  ]);
  const value = { ...REQUEST, missing, missing_count: 32_768, window: 32_768 };
  expect(parseRequest(buildRequest(value))).toEqual(value);
  const widest = { ...value, missing: missing.map((): [number, number] => [32_767, 32_768]) };
  expect(utf8(JSON.stringify(widest)).length).toBeLessThanOrEqual(1024);
});

test("any bytes give a request or an OtaError", () => {
  const damaged = fc.tuple(request, fc.nat(), fc.nat({ max: 255 })).map(([value, place, byte]) => {
    const bytes = buildRequest(value);
    bytes[place % bytes.length] = byte;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), damaged), (bytes) => {
      try {
        const value = parseRequest(bytes);
        expect(parseRequest(buildRequest(value))).toEqual(value);
      } catch (error) {
        if (!isOtaError(error, "protocol/malformed")) throw error;
      }
    }),
    { numRuns: 300 },
  );
});

test.for([
  ["of another protocol", { protocol: 2 }, "/protocol"],
  ["of an image's whole hash", { image: "ab".repeat(32) }, "/image"],
  ["of nothing", { missing: [] }, "/missing"],
  [
    "of 65 ranges",
    { missing: Array.from({ length: 65 }, (_, index) => [index * 2, 1]), missing_count: 65 },
    "/missing",
  ],
  ["of an empty range", { missing: [[0, 0]] }, "/missing/0/1"],
  ["of a negative chunk", { missing: [[-1, 1]] }, "/missing/0/0"],
  ["of a range of three numbers", { missing: [[0, 1, 1]] }, "/missing/0"],
  [
    "of descending ranges",
    {
      missing: [
        [5, 1],
        [0, 2],
      ],
    },
    "/missing/1/0",
  ],
  [
    "of overlapping ranges",
    {
      missing: [
        [0, 2],
        [1, 1],
      ],
    },
    "/missing/1/0",
  ],
  ["of more chunks than are missing", { missing_count: 2 }, "/missing_count"],
] as const)("a request %s is refused with the place of the fault", ([, change, path]) => {
  expect(() => parseRequest(utf8(JSON.stringify({ ...REQUEST, ...change })))).toThrow(
    expect.objectContaining({ code: "protocol/malformed", details: { message: "request", path } }),
  );
});

test("adjacent ranges are accepted", () => {
  const value: DeviceRequest = {
    ...REQUEST,
    missing: [
      [0, 2],
      [2, 1],
    ],
  };
  expect(parseRequest(buildRequest(value))).toEqual(value);
});

test("a request above 1024 bytes is refused before it is parsed", () => {
  expect(() => parseRequest(new Uint8Array(1025))).toThrow(
    expect.objectContaining({ code: "protocol/too-large", details: { message: "request", size: 1025, limit: 1024 } }),
  );
});
