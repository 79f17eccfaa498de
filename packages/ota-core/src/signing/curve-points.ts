import { toHex } from "../bytes.ts";

/** Field and coefficient of P-256 (FIPS 186-4 appendix D.1.2.3): y² = x³ − 3x + b. */
const P256_PRIME = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const P256_B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;

/** Field and coefficient of edwards25519 (RFC 8032 section 5.1): −x² + y² = 1 + d x² y². */
const ED25519_PRIME = 2n ** 255n - 19n;
const ED25519_D = 0x52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3n;

/** y-coordinates of the eight points of small order. Under such a key, one signature is valid for many messages. */
const ED25519_SMALL_ORDER: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  ED25519_PRIME - 1n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
]);

/**
 * Returns `true` if coordinates are a point of P-256. The cofactor is 1, so every point is acceptable.
 *
 * @param coordinates - x and y, 32 bytes each, big-endian.
 */
export function isP256Point(coordinates: Uint8Array): boolean {
  const [x, y] = [toBigInt(coordinates.subarray(0, 32)), toBigInt(coordinates.subarray(32, 64))];
  if (x >= P256_PRIME || y >= P256_PRIME) return false;
  return (y * y - (x * x * x - 3n * x + P256_B)) % P256_PRIME === 0n;
}

/**
 * Returns `true` if bytes encode a point of edwards25519 that is not of small order.
 *
 * @param encoded - 32 bytes.
 * @see RFC 8032 section 5.1.2
 */
export function isEd25519Point(encoded: Uint8Array): boolean {
  const value = toBigInt(encoded.toReversed());
  const y = value & (2n ** 255n - 1n); // the top bit is the sign of x
  if (y >= ED25519_PRIME || ED25519_SMALL_ORDER.has(y)) return false;
  const numerator = (y * y - 1n) % ED25519_PRIME;
  const denominator = (ED25519_D * y * y + 1n) % ED25519_PRIME;
  // a / b is a square if and only if a · b is; by Euler's criterion, if its power of (p − 1) / 2 is 1.
  return power((numerator * denominator) % ED25519_PRIME, (ED25519_PRIME - 1n) / 2n, ED25519_PRIME) === 1n;
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

function toBigInt(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes)}`);
}
