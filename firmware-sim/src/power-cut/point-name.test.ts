import fc from "fast-check";
import { expect, test } from "vitest";
import { formatPoint, parsePoint, type SweepPoint, WORN_FAULTS } from "./point-name.ts";

const run = fc.constantFrom("update" as const, "rollback" as const);
const cut = fc.record({
  operation: fc.integer({ min: 1, max: 999_999 }),
  variant: fc.constantFrom("mix-50", "done", "all-but-bit-17"),
  seed: fc.nat(0xffff_ffff),
});
const point: fc.Arbitrary<SweepPoint> = fc.oneof(
  fc.record({ kind: fc.constant("cuts" as const), run, cuts: fc.array(cut, { maxLength: 3 }) }),
  fc.record({ kind: fc.constant("worn" as const), run, sector: fc.nat(4096), fault: fc.constantFrom(...WORN_FAULTS) }),
);

test("parses every formatted point", () => {
  fc.assert(
    fc.property(point, (value) => {
      expect(parsePoint(formatPoint(value))).toEqual(value);
    }),
  );
  expect(parsePoint("update:1234:mix-50:77+12:done:5")).toEqual({
    kind: "cuts",
    run: "update",
    cuts: [
      { operation: 1234, variant: "mix-50", seed: 77 },
      { operation: 12, variant: "done", seed: 5 },
    ],
  });
});

test("rejects any other text by name", () => {
  const invalid = expect.objectContaining({ code: "simulation/invalid-fault" });
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(() => parsePoint(text)).toThrow(invalid);
    }),
  );
  for (const text of ["update:0:done:1", "downgrade:1:done:1", "update:1:done", "update:1:done:1+", "uncut"]) {
    expect(() => parsePoint(text)).toThrow(invalid);
  }
});
