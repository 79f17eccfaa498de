import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createBenchKey, spkiOf } from "../../test/bench-keys.ts";
import { concatBytes, fromHex } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import { keyIdOf } from "../messages/key-set.ts";
import { parsePublicKey } from "./public-key.ts";

const P256 = createBenchKey("ecdsa").spki;
const RSA = createBenchKey("rsa").spki;
const ED25519 = createBenchKey("ed25519").spki;

/** Bytes with others in place from an offset on. */
function patched(bytes: Uint8Array, offset: number, part: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy.set(part, offset);
  return copy;
}

test.for([
  ["P-256", P256, "ecdsa-p256-sha256", 256],
  ["RSA-2048", RSA, "rsa-pkcs1v15-sha256", 2048],
  ["RSA-4096", spkiOf(generateKeyPairSync("rsa", { modulusLength: 4096 }).privateKey), "rsa-pkcs1v15-sha256", 4096],
  ["Ed25519", ED25519, "ed25519", 256],
] as const)("a key of %s is read, and its type decides its algorithm", ([, spki, alg, sizeBits]) => {
  expect(parsePublicKey(spki)).toEqual({ keyid: keyIdOf(spki), alg, sizeBits, spki });
});

const ecSpki = (namedCurve: string, paramEncoding: "named" | "explicit" = "named") =>
  spkiOf(generateKeyPairSync("ec", { namedCurve, paramEncoding }).privateKey);
/** The same key with its point as x and the parity of y: SEQUENCE of 57 bytes, BIT STRING of 34. */
const COMPRESSED = concatBytes([
  fromHex("3039301306072a8648ce3d020106082a8648ce3d030107032200")!,
  Uint8Array.of(2 + (P256.at(-1)! & 1)),
  P256.subarray(27, 59),
]);

test.for([
  ["RSA of 1024 bits", () => spkiOf(generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey), "1024 bits"],
  ["RSA of 2047 bits", () => patched(RSA, 33, Uint8Array.of(0x7f)), "not an RSA public key"], // the sign byte is one too many
  [
    "RSA with exponent 3",
    () => spkiOf(generateKeyPairSync("rsa", { modulusLength: 2048, publicExponent: 3 }).privateKey),
    "exponent is 3",
  ],
  ["RSA with an even modulus", () => patched(RSA, 33 + 255, Uint8Array.of(0)), "modulus is even"],
  ["RSA-PSS", () => spkiOf(generateKeyPairSync("rsa-pss", { modulusLength: 2048 }).privateKey), "type is RSASSA-PSS"],
  ["P-384", () => ecSpki("secp384r1"), "curve is P-384"],
  ["P-521", () => ecSpki("secp521r1"), "curve is P-521"],
  ["secp256k1", () => ecSpki("secp256k1"), "curve is secp256k1"],
  ["a spelled-out P-256", () => ecSpki("prime256v1", "explicit"), "states curve parameters"],
  ["a compressed point", () => COMPRESSED, "point is compressed"],
  ["a point beside the curve", () => patched(P256, 90, Uint8Array.of(P256[90]! ^ 1)), "does not lie on P-256"],
  ["coordinates beyond the field", () => patched(P256, 27, new Uint8Array(64).fill(0xff)), "does not lie on P-256"],
  ["Ed448", () => spkiOf(generateKeyPairSync("ed448").privateKey), "type is Ed448"],
  ["X25519", () => spkiOf(generateKeyPairSync("x25519").privateKey), "type is X25519"],
  ["an Ed25519 point of order 1", () => patched(ED25519, 12, Uint8Array.of(1, ...new Uint8Array(31))), "small order"],
  [
    "an Ed25519 point of order 8",
    () => patched(ED25519, 12, fromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")!),
    "small order",
  ],
  ["an Ed25519 ordinate beyond the field", () => patched(ED25519, 12, new Uint8Array(32).fill(0xff)), "small order"],
  ["bytes behind the key", () => concatBytes([ED25519, Uint8Array.of(0)]), "not a DER SubjectPublicKeyInfo"],
  // The BIT STRING says how many bits of its last byte are unused (X.690 section 8.6.2.2); keys are whole bytes.
  ["unused bits in a P-256 key", () => patched(P256, 25, Uint8Array.of(1)), "not a DER SubjectPublicKeyInfo"],
  ["unused bits in an Ed25519 key", () => patched(ED25519, 11, Uint8Array.of(7)), "not a DER SubjectPublicKeyInfo"],
  ["nothing", () => new Uint8Array(), "not a DER SubjectPublicKeyInfo"],
] as const)("%s is refused with a code and a message", ([, spki, text]) => {
  const code = expect.stringMatching(/^signing\/key-(?:malformed|unsupported)$/);
  expect(() => parsePublicKey(spki())).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(text) }),
  );
});

test("half of all y-coordinates have no point on edwards25519 and are refused", () => {
  const refused = Array.from({ length: 200 }, (_, y) =>
    patched(ED25519, 12, Uint8Array.of(y + 2, ...new Uint8Array(31))),
  ).filter((spki) => {
    try {
      return parsePublicKey(spki) === undefined;
    } catch {
      return true;
    }
  }).length;
  expect(refused).toBeGreaterThan(60);
  expect(refused).toBeLessThan(140);
});

test("any bytes give a key or an OtaError, and a damaged key never gives the original one", () => {
  const damaged = fc.tuple(fc.constantFrom(P256, RSA, ED25519), fc.nat(), fc.integer({ min: 1, max: 255 }));
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 100 }),
        damaged.map(([spki, at, bits]) => {
          const place = at % spki.length;
          return patched(spki, place, Uint8Array.of(spki[place]! ^ bits));
        }),
      ),
      (bytes) => {
        try {
          const { keyid } = parsePublicKey(bytes);
          expect([P256, RSA, ED25519].map(keyIdOf)).not.toContain(keyid);
        } catch (error) {
          if (!isOtaError(error)) throw error;
          expect(error.code).toMatch(/^signing\/key-/);
        }
      },
    ),
    { numRuns: 1000 },
  );
});
