import fc from "fast-check";
import { expect, test } from "vitest";
import { concatBytes, fromHex, toHex } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import {
  buildOtadataEntry,
  chooseActive,
  isSelectInvalid,
  isSelectValid,
  type OtadataEntry,
  OtaImageState,
  otadataCrc,
  otadataEntry,
  otaSlotOfSequence,
  otaStateName,
  parseOtadata,
  parseOtadataEntry,
} from "./otadata.ts";

const { NEW, PENDING_VERIFY, VALID, INVALID, ABORTED, UNDEFINED } = OtaImageState;

const blank = parseOtadataEntry(new Uint8Array(32).fill(0xff));

const anyEntry: fc.Arbitrary<OtadataEntry> = fc.record({
  sequence: fc.nat(0xffff_ffff),
  label: fc.uint8Array({ minLength: 20, maxLength: 20 }),
  state: fc.nat(0xffff_ffff),
  crc: fc.nat(0xffff_ffff),
});

function partition(first: Uint8Array, second: Uint8Array): Uint8Array {
  const sector = (entry: Uint8Array) => concatBytes([entry, new Uint8Array(4096 - entry.length).fill(0xff)]);
  return concatBytes([sector(first), sector(second)]);
}

test.for([
  [0, 0xffffffff],
  [1, 0x4743989a],
  [2, 0x55f63774],
  [3, 0xed4a5011],
  [4, 0x709d68a8],
  [5, 0xc8210fcd],
  [6, 0xda94a023],
  [7, 0x6228c746],
  [8, 0x3a4bd710],
  [0xfffffffd, 0x8b4d1797],
  [0xfffffffe, 0x99f8b879],
  [0xffffffff, 0x2144df1c],
] as const)("the CRC of sequence %i is %i", ([sequence, crc]) => {
  expect(otadataCrc(sequence)).toBe(crc);
});

test.for([
  [1, UNDEFINED, `01000000${"ff".repeat(20)}ffffffff9a984347`],
  [2, NEW, `02000000${"ff".repeat(20)}000000007437f655`],
  [1, VALID, `01000000${"ff".repeat(20)}020000009a984347`],
] as const)("sequence %i in state %i is built as ESP-IDF writes it", ([sequence, state, hex]) => {
  expect(toHex(buildOtadataEntry(otadataEntry(sequence, state)))).toBe(hex);
  expect(parseOtadataEntry(fromHex(hex)!)).toEqual(otadataEntry(sequence, state));
});

test.for([
  { when: "both are blank", entries: [blank, blank], active: undefined },
  { when: "only the first was ever written", entries: [otadataEntry(1, VALID), blank], active: 0 },
  { when: "only the second was ever written", entries: [blank, otadataEntry(2, NEW)], active: 1 },
  { when: "both are valid", entries: [otadataEntry(1, VALID), otadataEntry(2, VALID)], active: 1 },
  { when: "the first is the newer", entries: [otadataEntry(3, VALID), otadataEntry(2, VALID)], active: 0 },
  { when: "both have the same sequence", entries: [otadataEntry(2, NEW), otadataEntry(2, VALID)], active: 0 },
  {
    when: "the newer was torn",
    entries: [otadataEntry(1, VALID), { ...otadataEntry(2, NEW), crc: 0xffffffff }],
    active: 0,
  },
  { when: "the newer was aborted", entries: [otadataEntry(1, VALID), otadataEntry(2, ABORTED)], active: 0 },
  { when: "the newer is invalid", entries: [otadataEntry(1, VALID), otadataEntry(2, INVALID)], active: 0 },
  { when: "both were given up", entries: [otadataEntry(1, INVALID), otadataEntry(2, ABORTED)], active: undefined },
  { when: "the sequence wrapped", entries: [otadataEntry(2, VALID), otadataEntry(0xfffffff0, VALID)], active: 1 },
  { when: "the newer has an unknown state", entries: [otadataEntry(1, VALID), otadataEntry(2, 0x00ff0000)], active: 1 },
] as { when: string; entries: [OtadataEntry, OtadataEntry]; active: 0 | 1 | undefined }[])(
  "entry $active counts when $when",
  ({ entries: [first, second], active }) => {
    expect(chooseActive(first, second)).toBe(active);
    const parsed = parseOtadata(partition(buildOtadataEntry(first), buildOtadataEntry(second)));
    expect(parsed).toEqual({ entries: [first, second], active });
  },
);

test("a sector whose only programmed word is zero is a valid entry", () => {
  const bytes = new Uint8Array(32).fill(0xff).fill(0, 0, 4); // ota_seq 0, whose CRC is FFFFFFFF
  const entry = parseOtadataEntry(bytes);
  expect(entry).toMatchObject({ sequence: 0, state: UNDEFINED, crc: 0xffffffff });
  expect(isSelectValid(entry)).toBe(true);
});

test("an entry with an invalid state is invalid, with a right or a wrong CRC", () => {
  expect(isSelectInvalid(otadataEntry(1, ABORTED))).toBe(true);
  expect(isSelectInvalid({ ...otadataEntry(1, INVALID), crc: 0 })).toBe(true);
});

test("an entry with a wrong CRC is neither invalid nor valid", () => {
  const torn = { ...otadataEntry(5, UNDEFINED), crc: 0 };
  expect(isSelectInvalid(torn)).toBe(false);
  expect(isSelectValid(torn)).toBe(false);
});

test("a blank sequence is invalid even with the CRC that belongs to it", () => {
  expect(isSelectInvalid(otadataEntry(0xffffffff, NEW))).toBe(true);
});

test.for([
  [1, 2, 0],
  [2, 2, 1],
  [3, 2, 0],
  [4, 3, 0],
  [7, 1, 0],
  [0, 2, 1], // FFFFFFFF mod 2
  [0, 3, 0], // FFFFFFFF mod 3
  [0xfffffffe, 2, 1],
] as const)("sequence %i among %i slots selects slot %i", ([sequence, slotCount, slot]) => {
  expect(otaSlotOfSequence(sequence, slotCount)).toBe(slot);
});

test.for([0, -1, Number.NaN])("no sequence selects a slot of %d", (slotCount) => {
  expect(() => otaSlotOfSequence(1, slotCount)).toThrow(expect.objectContaining({ code: "image/invalid" }));
});

test("states have names, and unknown ones a number", () => {
  const states = [NEW, PENDING_VERIFY, VALID, INVALID, ABORTED, UNDEFINED, 0x00ff0000];
  expect(states.map(otaStateName)).toEqual([
    "new",
    "pending-verify",
    "valid",
    "invalid",
    "aborted",
    "undefined",
    "0x00ff0000",
  ]);
});

test("any 32 bytes are an entry and are built back to themselves", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      expect(buildOtadataEntry(parseOtadataEntry(bytes))).toEqual(bytes);
    }),
  );
});

test("every entry is parsed back to itself", () => {
  fc.assert(
    fc.property(anyEntry, (entry) => {
      expect(parseOtadataEntry(buildOtadataEntry(entry))).toEqual(entry);
    }),
  );
});

test("any bytes give an otadata partition or image/truncated", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 9000, size: "max" }), (bytes) => {
      if (bytes.length >= 8192) expect([0, 1, undefined]).toContain(parseOtadata(bytes).active);
      else expect(() => parseOtadata(bytes)).toThrow(expect.objectContaining({ code: "image/truncated" }));
    }),
  );
});

test("every truncation of an entry is refused", () => {
  const bytes = buildOtadataEntry(otadataEntry(1, VALID));
  for (let size = 0; size < 32; size++) {
    expect(() => parseOtadataEntry(bytes.subarray(0, size))).toThrow(
      expect.objectContaining({ code: "image/truncated", details: { offset: 0, needed: 32, actual: size } }),
    );
  }
});

test("a flipped bit in sequence or CRC makes an entry invalid; label and state are not protected", () => {
  const bytes = buildOtadataEntry(otadataEntry(1, VALID));
  for (let bit = 0; bit < 256; bit++) {
    const flipped = Uint8Array.from(bytes);
    flipped[bit >>> 3]! ^= 1 << (bit & 7);
    const entry = parseOtadataEntry(flipped);
    const isCovered = bit < 32 || bit >= 224;
    const givesUp = entry.state === INVALID || entry.state === ABORTED;
    expect(isSelectValid(entry), `bit ${bit}`).toBe(!isCovered && !givesUp);
  }
});

test("the result shares no memory with the bytes", () => {
  const bytes = partition(buildOtadataEntry(otadataEntry(1, VALID)), new Uint8Array(32).fill(0xff));
  const { entries } = parseOtadata(bytes);
  bytes.fill(0);
  expect(entries[0]).toEqual(otadataEntry(1, VALID));
});

test.for([
  { field: "sequence", entry: { ...blank, sequence: -1 } },
  { field: "state", entry: { ...blank, state: 2 ** 32 } },
  { field: "crc", entry: { ...blank, crc: 0.5 } },
  { field: "label", entry: { ...blank, label: new Uint8Array(19) } },
])("an entry whose $field doesn't fit is not built", ({ field, entry }) => {
  expect(() => buildOtadataEntry(entry)).toThrow(field);
  try {
    buildOtadataEntry(entry);
  } catch (error) {
    expect(isOtaError(error, "image/invalid")).toBe(true);
  }
});
