import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { toHex } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import { buildSignatureBlock, parseSignatureBlock, signatureOffset, signedDigest } from "./signature-block.ts";

const bytesOf = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });
/** A key structure of ECDSA: its curve, then the point. */
const ecKey = (curve: number, size: number) => bytesOf(size).map((point) => Uint8Array.of(curve, ...point));
const record = <Scheme extends string>(
  scheme: Scheme,
  digest: number,
  key: fc.Arbitrary<Uint8Array>,
  signature: number,
) =>
  fc.record({
    scheme: fc.constant(scheme),
    imageDigest: bytesOf(digest),
    publicKey: key,
    signature: bytesOf(signature),
  });
const anyBlock = fc.oneof(
  record("rsa-3072", 32, bytesOf(776), 384),
  record("ecdsa-p192", 32, ecKey(1, 64), 64),
  record("ecdsa-p256", 32, ecKey(2, 64), 64),
  record("ecdsa-p384", 48, ecKey(3, 96), 96),
);

test("every built block is parsed back to its fields, with the digest of its key", () => {
  fc.assert(
    fc.property(anyBlock, (block) => {
      const bytes = buildSignatureBlock(block);
      expect(bytes.length).toBe(1216);
      expect(parseSignatureBlock(bytes)).toEqual({
        ...block,
        keyDigest: new Uint8Array(createHash("sha256").update(block.publicKey).digest()),
        crcMatches: true,
      });
    }),
    { numRuns: 50 },
  );
});

test("an RSA block has its fields where the ROM reads them", () => {
  const bytes = buildSignatureBlock({
    scheme: "rsa-3072",
    imageDigest: new Uint8Array(32).fill(1),
    publicKey: new Uint8Array(776).fill(2),
    signature: new Uint8Array(384).fill(3),
  });
  // magic, version 2, reserved | digest at 4 | key at 36 | signature at 812 | CRC at 1196 | 16 zeros
  expect(toHex(bytes.subarray(0, 6))).toBe("e70200000101");
  expect([bytes[35], bytes[36], bytes[811], bytes[812], bytes[1195]]).toEqual([1, 2, 2, 3, 3]);
  expect(bytes.subarray(1200)).toEqual(new Uint8Array(16));
});

test("one flipped bit makes the CRC wrong and is reported, not refused", () => {
  const bytes = buildSignatureBlock({
    scheme: "ecdsa-p256",
    imageDigest: new Uint8Array(32),
    publicKey: Uint8Array.of(2, ...new Uint8Array(64)),
    signature: new Uint8Array(64),
  });
  bytes[120]! ^= 1;
  expect(parseSignatureBlock(bytes).crcMatches).toBe(false);
});

test.for([
  ["a version that is none", { 1: 4 }, "image/signature-invalid"],
  ["a curve that is none", { 1: 3, 36: 9 }, "image/signature-invalid"],
  ["another magic", { 0: 0xe9 }, "image/bad-magic"],
] as const)("a block with %s is refused", ([, changes, code]) => {
  const bytes = new Uint8Array(1216);
  bytes.set([0xe7, 2]);
  for (const [offset, value] of Object.entries(changes)) bytes[Number(offset)] = value;
  expect(() => parseSignatureBlock(bytes)).toThrow(expect.objectContaining({ code }));
});

test("any bytes give a block or an OtaError", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 1300 }),
    bytesOf(1216).map((block) => Uint8Array.of(0xe7, (block[1] ?? 0) % 5, (block[2] ?? 0) % 3, ...block.subarray(3))),
  );
  fc.assert(
    fc.property(bytes, (block) => {
      try {
        expect(parseSignatureBlock(block).keyDigest.length).toBe(32);
      } catch (error) {
        expect(isOtaError(error)).toBe(true);
      }
    }),
  );
});

test("the signed bytes end at the next sector, and P-384 signs a SHA-384", () => {
  expect([1, 4096, 4097].map(signatureOffset)).toEqual([4096, 4096, 8192]);
  const bytes = new Uint8Array(4096).fill(7);
  expect(toHex(signedDigest("ecdsa-p384", bytes))).toBe(createHash("sha384").update(bytes).digest("hex"));
  expect(toHex(signedDigest("rsa-3072", bytes))).toBe(createHash("sha256").update(bytes).digest("hex"));
});
