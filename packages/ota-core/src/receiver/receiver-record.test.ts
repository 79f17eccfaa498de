import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Attempt,
  attemptOf,
  BLANK_RECORD,
  buildReceiverRecord,
  floorWith,
  parseReceiverRecord,
  type ReceiverRecord,
  withOutcome,
} from "./receiver-record.ts";

const ATTEMPT: Attempt = { offer: "0e".repeat(16), image: "11".repeat(32), attempts: 1, probationMs: 1_000 };
const FULL: ReceiverRecord = {
  accepted: [2, 7],
  payloadSha256: "33".repeat(32),
  floor: { epoch: 2, time: "2026-01-01T00:00:00Z" },
  attempt: ATTEMPT,
  outcome: { offer: "0d".repeat(16), image: "22".repeat(32), outcome: "failed", error: "delivery/flash-failed" },
};

test.for([BLANK_RECORD, FULL])("reads back what it wrote", (record) => {
  expect(parseReceiverRecord(buildReceiverRecord(record))).toEqual(record);
});

test("refuses a record with any one character changed or cut off", () => {
  const text = buildReceiverRecord(FULL);
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.integer({ min: 1, max: 127 }), (position, change) => {
      const other = String.fromCharCode(text.charCodeAt(position) ^ change);
      expect(parseReceiverRecord(text.slice(0, position) + other + text.slice(position + 1))).toBeUndefined();
      expect(parseReceiverRecord(text.slice(0, position))).toBeUndefined();
    }),
  );
});

test.for([
  {},
  { ...FULL, accepted: [1] },
  { ...FULL, accepted: [-1, 1] },
  { ...FULL, accepted: [2 ** 31, 1] },
  { ...FULL, payloadSha256: "abc" },
  { ...FULL, floor: { epoch: "2", time: "" } },
  { ...FULL, floor: { epoch: 2, time: "yesterday" } },
  { ...FULL, whole: false },
  { ...FULL, attempt: { ...ATTEMPT, attempts: "1" } },
  { ...FULL, attempt: { ...ATTEMPT, offer: "x" } },
  { ...FULL, attempt: { ...ATTEMPT, probationMaxMs: 0 } },
  { ...FULL, attempt: { ...ATTEMPT, proven: false } },
  { ...FULL, attempt: { ...ATTEMPT, error: "" } },
  { ...FULL, attempt: { ...ATTEMPT, error: "x".repeat(40) } },
  { ...FULL, outcome: { ...FULL.outcome, outcome: "done" } },
])("refuses a record with a good checksum and wrong members: %o", (record) => {
  expect(parseReceiverRecord(buildReceiverRecord(record as ReceiverRecord))).toBeUndefined();
});

test("counts the attempts of one offer, and starts at 1 for another", () => {
  const release = { image: { sha256: ATTEMPT.image } } as Parameters<typeof attemptOf>[2];
  expect(attemptOf(FULL, { id: ATTEMPT.offer }, release, 1_000)).toEqual({ ...ATTEMPT, attempts: 2 });
  expect(attemptOf(FULL, { id: "0f", probation_ms: 5 }, release, 1_000)).toEqual({
    ...ATTEMPT,
    offer: "0f",
    probationMs: 5,
  });
});

test("forgets the attempt once the offer has ended", () => {
  const outcome = { offer: "0e", image: ATTEMPT.image, outcome: "confirmed" } as const;
  const { attempt: _, ...rest } = FULL;
  expect(withOutcome(FULL, outcome)).toEqual({ ...rest, outcome });
});

test("keeps the later time of an epoch, and starts anew with another epoch", () => {
  const later = { epoch: 2, issued_at: "2026-02-01T00:00:00Z" };
  const earlier = { epoch: 2, issued_at: "2025-02-01T00:00:00Z" };
  expect(floorWith(FULL, later)).toEqual({ epoch: 2, time: later.issued_at });
  expect(floorWith(FULL, earlier)).toEqual(FULL.floor);
  expect(floorWith(FULL, { ...earlier, epoch: 3 })).toEqual({ epoch: 3, time: earlier.issued_at });
});
