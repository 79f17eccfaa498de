import fc from "fast-check";
import { expect, test } from "vitest";
import { concatBytes, toHex, utf8 } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import { buildEnvelope, envelopeFromJson, envelopeToJson, parseEnvelope, signedBytes } from "./envelope.ts";

const KEYID = "0f".repeat(16);
const signature = fc.record({
  keyid: fc.stringMatching(/^[0-9a-f]{32}$/),
  alg: fc.constantFrom("ecdsa-p256-sha256", "rsa-pkcs1v15-sha256", "ed25519", "later-1"),
  sig: fc.uint8Array({ maxLength: 512 }),
});
const envelope = fc.record({
  payload: fc.uint8Array({ maxLength: 2000 }),
  signatures: fc.array(signature, { maxLength: 4 }),
});

test("every built envelope is parsed back to itself, alone and inside another document", () => {
  fc.assert(
    fc.property(envelope, (value) => {
      expect(parseEnvelope(buildEnvelope(value.payload, value.signatures))).toEqual(value);
      expect(envelopeFromJson(JSON.parse(JSON.stringify(envelopeToJson(value))))).toEqual(value);
    }),
  );
});

test("any bytes give an envelope that is built back to its value, or an OtaError", () => {
  const damaged = fc.tuple(envelope, fc.nat(), fc.nat({ max: 255 })).map(([{ payload, signatures }, place, value]) => {
    const bytes = buildEnvelope(payload, signatures);
    bytes[place % bytes.length] = value;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), damaged), (bytes) => {
      try {
        const { payload, signatures } = parseEnvelope(bytes);
        expect(parseEnvelope(buildEnvelope(payload, signatures))).toEqual({ payload, signatures });
      } catch (error) {
        if (!isOtaError(error, "protocol/malformed")) throw error;
      }
    }),
    { numRuns: 500 },
  );
});

test.for([
  ["no JSON", "", "", "the text is empty"],
  ["a missing payload", '{"signatures":[]}', "", "the document lacks payload"],
  ["base64 without padding", '{"payload":"QQ","signatures":[]}', "/payload", "not canonical base64"],
  ["base64 with unused bits set", '{"payload":"QR==","signatures":[]}', "/payload", "not canonical base64"],
  ["base64 with white space", '{"payload":"Q Q=","signatures":[]}', "/payload", "it must be base64"],
  ["a member twice", '{"payload":"","payload":"","signatures":[]}', "", "for the second time"],
  ["a fraction", '{"payload":"","signatures":[],"x":1.5}', "", "must be a plain integer"],
  ["an integer of 2³¹", '{"payload":"","signatures":[],"x":2147483648}', "", "must lie between"],
  ["nine levels", `{"payload":"","signatures":[],"x":${"[".repeat(8)}${"]".repeat(8)}}`, "", "8"],
  [
    "a signature that is no base64",
    `{"payload":"","signatures":[{"keyid":"${KEYID}","alg":"ed25519","sig":"A=="}]}`,
    "/signatures/0/sig",
    "not canonical base64",
  ],
  ["an escape in a name", String.raw`{"payload":"","signatures":[],"\u0078":1}`, "", "may not contain a backslash"],
  [
    "an escape in a name of a member that nobody knows",
    String.raw`{"payload":"","signatures":[],"x":{"\/":1}}`,
    "",
    "backslash",
  ],
  ["the name __proto__", '{"payload":"","signatures":[],"__proto__":{"signatures":[]}}', "", "__proto__"],
  [
    "a signature by another name of the algorithm",
    `{"payload":"","signatures":[{"keyid":"${KEYID}","alg":"ECDSA","sig":""}]}`,
    "/signatures/0/alg",
    "alg",
  ],
  [
    "fifty signatures",
    JSON.stringify({ payload: "", signatures: Array(50).fill({ keyid: KEYID, alg: "ed25519", sig: "" }) }),
    "/signatures",
    "at most 4",
  ],
  [
    "five signatures",
    JSON.stringify({ payload: "", signatures: Array(5).fill({ keyid: KEYID, alg: "ed25519", sig: "" }) }),
    "/signatures",
    "at most 4",
  ],
] as const)("an envelope with %s is refused with the place of the fault", ([, json, path, message]) => {
  expect(() => parseEnvelope(utf8(json))).toThrow(
    expect.objectContaining({
      code: "protocol/malformed",
      message: expect.stringContaining(message),
      details: { message: "envelope", path },
    }),
  );
});

test("unknown members are ignored, to a depth of eight", () => {
  const json = `{"payload":"","signatures":[],"x":${"[".repeat(7)}${"]".repeat(7)}}`;
  expect(parseEnvelope(utf8(json))).toEqual({ payload: new Uint8Array(), signatures: [] });
});

test("an envelope above the limit is refused before it is parsed, and never built", () => {
  const noJson = new Uint8Array(4097);
  expect(() => parseEnvelope(noJson)).toThrow(
    expect.objectContaining({
      code: "protocol/too-large",
      message: "envelope: it has 4097 bytes; at most 4096 are allowed",
      details: { message: "envelope", size: 4097, limit: 4096 },
    }),
  );
  expect(() => buildEnvelope(new Uint8Array(3_052))).toThrow(expect.objectContaining({ code: "protocol/too-large" }));
});

test("bytes that are not UTF-8 are refused", () => {
  // a string of one 0xff
  const bytes = concatBytes([utf8('{"payload":"'), Uint8Array.of(0xff), utf8('","signatures":[]}')]);
  expect(() => parseEnvelope(bytes)).toThrow("it is not UTF-8");
});

test("the signed bytes begin with the kind, so that no signature is valid for another kind", () => {
  expect(toHex(signedBytes("offer", Uint8Array.of(0x7b, 0x7d)))).toBe(`${toHex(utf8("tinybms-ota/offer/v1"))}007b7d`);
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (one, other) => {
      expect(signedBytes("release", one)).not.toEqual(signedBytes("keys", other));
    }),
  );
});
