/** One element of DER and the bytes after it. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly rest: Uint8Array;
}

/** ASN.1 tags (X.690 section 8) in keys and signatures. */
export const DerTag = { integer: 0x02, bitString: 0x03, null: 0x05, objectIdentifier: 0x06, sequence: 0x30 } as const;

/**
 * Parses the first DER element of some bytes (X.690 section 10: definite lengths in their shortest form).
 *
 * @returns Views of `bytes`, or `undefined` if they don't begin with a complete element of at most 65535 bytes.
 */
export function readDer(bytes: Uint8Array): DerElement | undefined {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined) return undefined;
  const lengthSize = first < 0x80 ? 0 : first - 0x80;
  if (first === 0x80 || lengthSize > 2) return undefined;
  const [, , high = 0, low = 0] = bytes;
  if (bytes.length < 2 + lengthSize) return undefined;
  const length = lengthSize === 0 ? first : lengthSize === 1 ? high : high * 256 + low;
  if ((lengthSize === 1 && length < 0x80) || (lengthSize === 2 && length < 0x100)) return undefined;
  const start = 2 + lengthSize;
  if (bytes.length < start + length) return undefined;
  return { tag, content: bytes.subarray(start, start + length), rest: bytes.subarray(start + length) };
}

/**
 * Returns the content of a DER element, or `undefined` if `bytes` are anything other than exactly one element with that
 * tag.
 */
export function readOnlyDer(bytes: Uint8Array, tag: number): Uint8Array | undefined {
  const element = readDer(bytes);
  return element?.tag === tag && element.rest.length === 0 ? element.content : undefined;
}

/**
 * Parses a SEQUENCE of two positive integers: an RSA public key (RFC 8017 appendix A.1.1) or an ECDSA signature (RFC
 * 3279 section 2.2.3).
 *
 * @returns The integers, big-endian and without sign bytes, or `undefined` if `bytes` are anything else.
 */
export function readIntegerPair(bytes: Uint8Array): readonly [Uint8Array, Uint8Array] | undefined {
  const sequence = readOnlyDer(bytes, DerTag.sequence);
  const first = sequence === undefined ? undefined : readDer(sequence);
  if (first?.tag !== DerTag.integer) return undefined;
  const second = readOnlyDer(first.rest, DerTag.integer);
  const [left, right] = [positive(first.content), second === undefined ? undefined : positive(second)];
  return left === undefined || right === undefined ? undefined : [left, right];
}

/** Returns a positive integer without its sign byte, or `undefined` if it is not in its shortest form. */
function positive(content: Uint8Array): Uint8Array | undefined {
  const [first, second = 0] = content;
  if (first === undefined || first >= 0x80) return undefined;
  if (first !== 0) return content;
  return second >= 0x80 ? content.subarray(1) : undefined;
}
