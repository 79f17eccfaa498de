// What holds of the bootloader whatever lies in otadata and in the slots.

import { type OtadataEntry, OtaImageState, otadataCrc } from "@tinybms/ota-core/esp";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { BootSlot } from "../src/boot/boot-event.ts";
import { runBootloader } from "../src/boot/bootloader.ts";
import { type BoardSpec, board } from "./board-spec.ts";

interface Device extends Pick<BoardSpec, "otadata" | "factory" | "test"> {
  readonly slotCount: number;
  readonly corrupt: readonly BootSlot[];
  readonly options: { readonly rollback: boolean; readonly antiRollback: boolean };
}

const state = fc.oneof(fc.constantFrom(...Object.values(OtaImageState)), fc.integer({ min: 0, max: 0xffff_ffff }));
const sequence = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 6 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffff_ffff }) },
);
const otadataEntry: fc.Arbitrary<OtadataEntry> = fc
  .record({ sequence, state, isTorn: fc.boolean() })
  .map(({ sequence: number, state: word, isTorn }) => ({
    sequence: number,
    label: new Uint8Array(20).fill(0xff),
    state: word,
    crc: (otadataCrc(number) ^ (isTorn ? 1 : 0)) >>> 0,
  }));
const device: fc.Arbitrary<Device> = fc.record({
  otadata: fc.tuple(fc.option(otadataEntry, { nil: undefined }), fc.option(otadataEntry, { nil: undefined })),
  factory: fc.boolean(),
  test: fc.boolean(),
  slotCount: fc.integer({ min: 1, max: 3 }),
  corrupt: fc.subarray<BootSlot>([0, 1, 2, "factory", "test"]),
  options: fc.record({ rollback: fc.boolean(), antiRollback: fc.boolean() }),
});

function specOf({ slotCount, options: _options, ...rest }: Device): BoardSpec {
  return { ...rest, slots: [0, 1, 2].slice(0, slotCount) };
}

test("starts a valid app if there is one, and nothing else", () => {
  fc.assert(
    fc.property(device, (value) => {
      const spec = specOf(value);
      const hardware = board(spec);
      const outcome = runBootloader(hardware, value.options);
      const good = [
        ...(spec.slots ?? []),
        ...(value.factory ? ["factory"] : []),
        ...(value.test ? ["test"] : []),
      ].filter((slot) => !value.corrupt.some((bad) => bad === slot));
      if (outcome.kind === "boots") expect(good).toContain(outcome.slot);
      else expect([outcome.reason, good]).toEqual(["no-bootable-app", []]);
    }),
    { numRuns: 300 },
  );
});

test("writes at most three entries per start, erases each before, and stops writing", () => {
  fc.assert(
    fc.property(device, (value) => {
      const hardware = board(specOf(value));
      const slots: unknown[] = [];
      for (let start = 0; start < 6; start++) {
        const before = hardware.flash.counters;
        const outcome = runBootloader(hardware, value.options);
        slots.push(outcome.kind === "boots" ? outcome.slot : outcome.reason);
        const erases = hardware.flash.counters.sectorErases - before.sectorErases;
        expect(hardware.flash.counters.pagePrograms - before.pagePrograms).toBe(erases);
        expect(erases).toBeLessThanOrEqual(start < 5 ? 3 : 0);
      }
      expect(hardware.flash.violations).toEqual([]);
      expect(slots[4]).toBe(slots[5]);
    }),
    { numRuns: 300 },
  );
});

test("writes nothing without rollback except the record of a first start", () => {
  fc.assert(
    fc.property(device, (value) => {
      const outcome = runBootloader(board(specOf(value)), { rollback: false });
      const rewritten = outcome.trace.filter((event) => event.type === "entry-rewritten");
      expect(rewritten.every(({ reason }) => reason === "initial-contents")).toBe(true);
    }),
    { numRuns: 150 },
  );
});
