import fc from "fast-check";
import { expect, test } from "vitest";
import { concatBytes, fromHex, toHex, utf8 } from "../bytes.ts";
import { encodeSlip, SlipDecoder, type SlipPart } from "./slip.ts";

/** Frames of the bytes that matter to SLIP, and others. */
const anyFrame = fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => {
  return bytes.map((byte) => (byte < 0x40 ? 0xc0 : byte < 0x80 ? 0xdb : byte));
});

function framesOf(parts: readonly SlipPart[]): readonly string[] {
  return parts.flatMap(({ type, bytes }) => (type === "frame" ? [toHex(bytes)] : []));
}

test("only C0 and DB are escaped", () => {
  expect(toHex(encodeSlip(fromHex("00c0db01dcdd")!))).toBe("c000dbdcdbdd01dcddc0");
});

test("every frame is decoded back to itself, split at any place", () => {
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 8 }), fc.array(fc.nat(40), { minLength: 1 }), (frames, cuts) => {
      const line = concatBytes(frames.map(encodeSlip));
      const decoder = new SlipDecoder();
      const parts: SlipPart[] = [];
      for (let offset = 0, cut = 0; offset < line.length; cut++) {
        const size = (cuts[cut % cuts.length] ?? 0) + 1;
        parts.push(...decoder.push(line.subarray(offset, offset + size)));
        offset += size;
      }
      expect(parts.every(({ type }) => type === "frame")).toBe(true);
      expect(framesOf(parts)).toEqual(frames.map(toHex));
    }),
  );
});

test("bytes between frames are returned as stray, in order", () => {
  const line = concatBytes([utf8("boot:0x13\r\n"), encodeSlip(fromHex("0102")!), utf8("noise")]);
  expect(new SlipDecoder().push(line)).toEqual([
    { type: "stray", bytes: utf8("boot:0x13\r\n") },
    { type: "frame", bytes: fromHex("0102") },
    { type: "stray", bytes: utf8("noise") },
  ]);
});

test("empty frames are ignored", () => {
  expect(framesOf(new SlipDecoder().push(fromHex("c0c0c0c001c0c0c002c0")!))).toEqual(["01", "02"]);
});

test("two C0 resynchronize the decoder after any noise", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), anyFrame, (noise, frame) => {
      const decoder = new SlipDecoder();
      decoder.push(noise);
      const parts = decoder.push(concatBytes([fromHex("c0c0")!, encodeSlip(frame)]));
      const inStep = framesOf(parts).at(-1) === toHex(frame);
      // A C0 that ends a frame of noise leaves the second to open the next one, and the frame's own are then empty.
      const afterwards = framesOf(decoder.push(encodeSlip(frame))).at(-1) === toHex(frame);
      expect(inStep || afterwards).toBe(true);
    }),
  );
});

test("an invalid escape breaks only its own frame", () => {
  const decoder = new SlipDecoder();
  const [broken, stray, ...rest] = decoder.push(fromHex("c001db0203c0")!);
  expect(broken).toEqual({ type: "broken", reason: "escape", bytes: fromHex("01") });
  expect(stray).toEqual({ type: "stray", bytes: fromHex("03") });
  expect(rest).toEqual([]);
  expect(framesOf(decoder.push(fromHex("04c0")!))).toEqual(["04"]);
});

test("a frame without an end is dropped at the limit", () => {
  const decoder = new SlipDecoder(16);
  const parts = decoder.push(concatBytes([fromHex("c0")!, new Uint8Array(100)]));
  expect(parts[0]).toMatchObject({ type: "broken", reason: "too-long" });
  expect(parts[0]?.bytes.length).toBe(16);
  expect(framesOf(decoder.push(encodeSlip(new Uint8Array(16))))).toEqual(["00".repeat(16)]);
});

test("a reset drops the incomplete frame", () => {
  const decoder = new SlipDecoder();
  decoder.push(fromHex("c001db")!);
  decoder.reset();
  expect(framesOf(decoder.push(fromHex("c002c0")!))).toEqual(["02"]);
});
