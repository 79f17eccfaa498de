import { expect, test } from "vitest";
import { fromHex } from "../bytes.ts";
import { isEd25519Point, isP256Point } from "./curve-points.ts";

const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;

const bytesOf = (...numbers: readonly bigint[]): Uint8Array =>
  fromHex(numbers.map((number) => number.toString(16).padStart(64, "0")).join(""))!;

/** The root of a square modulo the prime of P-256, which is 3 modulo 4; `undefined` for what is no square. */
function rootOf(square: bigint): bigint | undefined {
  let root = 1n;
  for (let bit = 255n; bit >= 0n; bit--) {
    root = (root * root) % P;
    if ((((P + 1n) / 4n) >> bit) & 1n) root = (root * square) % P;
  }
  return (root * root) % P === square ? root : undefined;
}

test("the base points of both curves lie on them", () => {
  // FIPS 186-4 appendix D.1.2.3
  const x = 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n;
  const y = 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n;
  expect([isP256Point(bytesOf(x, y)), isP256Point(bytesOf(x, P - y)), isP256Point(bytesOf(y, x))]).toEqual([
    true,
    true,
    false,
  ]);
  // RFC 8032 section 5.1: y = 4/5
  expect(isEd25519Point(fromHex(`58${"66".repeat(31)}`)!)).toBe(true);
});

test("a point has one encoding: coordinates not below the prime are refused", () => {
  let tried = 0;
  for (let x = 0n; x < 20n; x++) {
    const y = rootOf((((x * x * x - 3n * x + B) % P) + P) % P);
    if (y === undefined) continue;
    tried++;
    expect(isP256Point(bytesOf(x, y))).toBe(true);
    expect(isP256Point(bytesOf(x + P, y))).toBe(false);
  }
  expect(tried).toBeGreaterThan(3);
});

test("(0, 0) is not a point", () => {
  expect(isP256Point(new Uint8Array(64))).toBe(false);
});
