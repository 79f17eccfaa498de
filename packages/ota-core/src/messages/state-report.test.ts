import fc from "fast-check";
import { expect, expectTypeOf, test } from "vitest";
import { utf8 } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import type { StateReport } from "../schemas/types.generated.ts";
import { buildStateReport, type DeviceState, parseStateReport } from "./state-report.ts";

const REPORT: StateReport = {
  protocol: 1,
  device: "bench-1",
  state: "idle",
  version: "1.2.3",
  slot: "ota_0",
  running_sha256: "ab".repeat(32),
  received: 0,
  total: 0,
  accepted: [0, 0],
  rollback: true,
  clock: false,
  online: true,
  boot_count: 1,
};
const STATES = [
  "idle",
  "checking",
  "waiting",
  "downloading",
  "verifying",
  "ready-to-reboot",
  "pending-verify",
  "confirmed",
  "rejected",
  "rolled-back",
  "failed",
] as const satisfies readonly DeviceState[];

const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
const count = fc.nat({ max: 32_768 });
const counter = fc.nat({ max: 2_147_483_647 });
const report: fc.Arbitrary<StateReport> = fc.record(
  {
    protocol: fc.constant(1 as const),
    device: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
    state: fc.constantFrom(...STATES),
    offer: hex(32),
    image: hex(32),
    version: fc.string({ unit: "binary", maxLength: 16 }),
    slot: fc.string({ maxLength: 16 }),
    running_sha256: hex(64),
    received: count,
    total: count,
    accepted: fc.tuple(counter, counter),
    rollback: fc.boolean(),
    clock: fc.boolean(),
    online: fc.boolean(),
    boot_count: counter,
    key_set: fc.integer({ min: 1, max: 2_147_483_647 }),
    refused: fc.record({
      count: fc.integer({ min: 1, max: 2_147_483_647 }),
      code: fc.constantFrom("offer/stale", "a"),
    }),
    stalled: fc.boolean(),
    error: fc.record({ code: fc.constantFrom("offer/stale", "a"), message: fc.string({ maxLength: 256 }) }),
    stats: fc.dictionary(fc.stringMatching(/^[a-z][a-z_]{0,20}$/), counter, { maxKeys: 8, noNullPrototype: true }),
  },
  {
    requiredKeys: [
      ...["protocol", "device", "state", "version", "slot", "running_sha256", "received", "total", "accepted"],
      ...["rollback", "clock", "online", "boot_count"],
    ] as (keyof StateReport)[],
  },
) as fc.Arbitrary<StateReport>;

test("every built report is parsed back to itself", () => {
  fc.assert(fc.property(report, (value) => void expect(parseStateReport(buildStateReport(value))).toEqual(value)));
});

test("any bytes give a report or an OtaError", () => {
  const damaged = fc.tuple(report, fc.nat(), fc.nat({ max: 255 })).map(([value, place, byte]) => {
    const bytes = buildStateReport(value);
    bytes[place % bytes.length] = byte;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), damaged), (bytes) => {
      try {
        const value = parseStateReport(bytes);
        expect(parseStateReport(buildStateReport(value))).toEqual(value);
      } catch (error) {
        if (!isOtaError(error, "protocol/malformed")) throw error;
      }
    }),
    { numRuns: 300 },
  );
});

test("the schema lists exactly the states of the receiver", () => {
  expectTypeOf<StateReport["state"]>().toEqualTypeOf<DeviceState>();
  for (const state of STATES) expect(parseStateReport(buildStateReport({ ...REPORT, state })).state).toBe(state);
  expect(() => parseStateReport(utf8(JSON.stringify({ ...REPORT, state: "downloaded" })))).toThrow(
    '"idle", "checking"',
  );
});

test.for([
  ["of another protocol", { protocol: 2 }, "/protocol"],
  ["of a device that is a path", { device: "a/b" }, "/device"],
  ["with one counter", { accepted: [1] }, "/accepted"],
  ["with a negative counter", { accepted: [0, -1] }, "/accepted/1"],
  ["with a fault that is a text", { error: "broken" }, "/error"],
  ["with a long fault", { error: { code: "a", message: "x".repeat(201) } }, "/error/message"],
  ["with a fault of more than 200 bytes", { error: { code: "a", message: "€".repeat(67) } }, "/error/message"],
  ["with a counter that is a text", { stats: { chunks: "1" } }, "/stats/chunks"],
] as const)("a report %s is refused with the place of the fault", ([, change, path]) => {
  expect(() => parseStateReport(utf8(JSON.stringify({ ...REPORT, ...change })))).toThrow(
    expect.objectContaining({ code: "protocol/malformed", details: { message: "state", path } }),
  );
});

test("a long error message is truncated so that the report fits", () => {
  const error = { code: "offer/constraint", message: "x".repeat(1000) };
  expect(parseStateReport(buildStateReport({ ...REPORT, error })).error?.message).toBe("x".repeat(200));
  const emoji = { code: "offer/constraint", message: `x${"😀".repeat(50)}` };
  expect(parseStateReport(buildStateReport({ ...REPORT, error: emoji })).error?.message).toBe(`x${"😀".repeat(49)}`);
});

test("a report above 1024 bytes loses its counters, then its error message, then its version", () => {
  const stats = Object.fromEntries(
    Array.from({ length: 32 }, (_, index) => [`counter_of_something_${index}`, 2_147_483_647]),
  );
  // three bytes of UTF-8 each
  const wide = { code: "offer/constraint", message: "€".repeat(66) };
  const withoutStats = parseStateReport(buildStateReport({ ...REPORT, error: wide, stats }));
  expect(withoutStats).toEqual({ ...REPORT, error: wide });
  // six bytes of JSON each: 1200 bytes, and 384 for the version
  const escaped = { code: "offer/constraint", message: "\u0001".repeat(200) };
  const version = "\u0001".repeat(64);
  const bare = parseStateReport(buildStateReport({ ...REPORT, version, error: escaped, stats }));
  expect(bare).toEqual({ ...REPORT, version, error: { code: "offer/constraint", message: "" } });
  const largest: StateReport = {
    ...REPORT,
    device: "d".repeat(64),
    state: "ready-to-reboot",
    offer: "0".repeat(32),
    image: "0".repeat(32),
    version,
    slot: "\u0001".repeat(16),
    accepted: [2_147_483_647, 2_147_483_647],
    key_set: 2_147_483_647,
    refused: { count: 2_147_483_647, code: "c".repeat(64) },
    boot_count: 2_147_483_647,
    stalled: false,
    error: { code: "c".repeat(64), message: escaped.message },
  };
  const cut = parseStateReport(buildStateReport(largest));
  expect(cut).toEqual({ ...largest, version: "", error: { code: "c".repeat(64), message: "" } });
});

test("a report above 1024 bytes is refused before it is parsed", () => {
  expect(() => parseStateReport(new Uint8Array(1025))).toThrow(expect.objectContaining({ code: "protocol/too-large" }));
});
