import fc from "fast-check";
import { expect, test } from "vitest";
import { concatBytes } from "../bytes.ts";
import { buildNegotiation, buildSubnegotiation, escapeTelnet, TelnetDecoder, type TelnetPart } from "./telnet.ts";

const anyBytes = fc.uint8Array({ minLength: 1, maxLength: 30 }).map((bytes) => {
  return bytes.map((byte) => (byte < 0x60 ? 0xff : byte));
});

const anyPart: fc.Arbitrary<TelnetPart> = fc.oneof(
  anyBytes.map((bytes) => ({ type: "data" as const, bytes })),
  fc.record({
    type: fc.constant("negotiation" as const),
    command: fc.integer({ min: 0xfb, max: 0xfe }),
    option: fc.nat(255),
  }),
  fc.record({ type: fc.constant("subnegotiation" as const), option: fc.nat(0xfe), bytes: anyBytes }),
);

function encode(part: TelnetPart): Uint8Array {
  if (part.type === "data") return escapeTelnet(part.bytes);
  if (part.type === "negotiation") return buildNegotiation(part.command, part.option);
  return buildSubnegotiation(part.option, part.bytes);
}

/** Neighbouring data is one run of data, however it was cut. */
function joined(parts: readonly TelnetPart[]): readonly TelnetPart[] {
  const result: TelnetPart[] = [];
  for (const part of parts) {
    const last = result.at(-1);
    if (part.type === "data" && last?.type === "data") {
      result[result.length - 1] = { type: "data", bytes: concatBytes([last.bytes, part.bytes]) };
    } else result.push(part);
  }
  return result;
}

test("parses a connection as it was built, in pieces of any size", () => {
  fc.assert(
    fc.property(fc.array(anyPart, { maxLength: 8 }), fc.integer({ min: 1, max: 9 }), (parts, size) => {
      const bytes = concatBytes(parts.map(encode));
      const decoder = new TelnetDecoder();
      const found: TelnetPart[] = [];
      for (let offset = 0; offset < bytes.length; offset += size) {
        found.push(...decoder.push(bytes.subarray(offset, offset + size)));
      }
      expect(joined(found)).toEqual(joined(parts));
    }),
  );
});

test("parses any bytes, and drops a subnegotiation without an end", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      new TelnetDecoder().push(bytes);
    }),
  );
  const decoder = new TelnetDecoder();
  decoder.push(concatBytes([Uint8Array.of(0xff, 0xfa, 44), new Uint8Array(100_000)]));
  const [part] = decoder.push(Uint8Array.of(0xff, 0xf0));
  expect(part).toMatchObject({ type: "subnegotiation", option: 44 });
  expect(part?.type === "subnegotiation" && part.bytes.length).toBe(64);
});
