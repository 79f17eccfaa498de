import { otaSlotOfSequence } from "@tinybms/ota-core/esp";
import fc from "fast-check";
import { expect, test } from "vitest";
import { EspAbort } from "../esp-err/esp-abort.ts";
import { nextSequence } from "./ota-select.ts";

test("finds the smallest sequence from the current one on that selects the slot", () => {
  const case_ = fc
    .integer({ min: 1, max: 16 })
    .chain((count) => fc.tuple(fc.constant(count), fc.nat(count - 1), fc.integer({ min: 1, max: 0xffff_ff00 })));
  fc.assert(
    fc.property(case_, ([count, slot, current]) => {
      const sequence = nextSequence(current, slot, count);
      expect(otaSlotOfSequence(sequence, count)).toBe(slot);
      expect(sequence).toBeGreaterThanOrEqual(current);
      expect(sequence - current).toBeLessThan(count);
    }),
  );
});

test.for([
  { current: 0xffff_fffe, slot: 0, count: 2, sequence: 0xffff_ffff }, // which counts as blank
  { current: 0xffff_fffe, slot: 0, count: 3, sequence: 0xffff_ffff }, // after a wrap, which shifts the remainder
  { current: 0xffff_fffe, slot: 1, count: 2, sequence: 0xffff_fffe },
  { current: 0, slot: 0, count: 2, sequence: 1 },
  { current: 0, slot: 1, count: 2, sequence: 0 },
])(
  "finds $sequence after $current for slot $slot of $count near the overflow",
  ({ current, slot, count, sequence }) => {
    expect(nextSequence(current, slot, count)).toBe(sequence);
  },
);

test("may search forever with four slots", () => {
  expect(() => nextSequence(0xffff_fffe, 3, 4)).toThrow(EspAbort);
});
