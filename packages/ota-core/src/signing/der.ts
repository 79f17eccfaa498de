/** One element of DER, and what follows it. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly rest: Uint8Array;
}

/** Tags of ASN.1 (X.690 section 8), as keys and signatures use them. */
export const DerTag = { integer: 0x02, bitString: 0x03, null: 0x05, objectIdentifier: 0x06, sequence: 0x30 } as const;

/**
 * Reads the element that bytes begin with (X.690 section 10: definite lengths in their shortest form).
 *
 * @returns Views into `bytes`, or `undefined` where no whole element of DER stands there. No length above 65535 is read.
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

/** The content of the one element of a kind that `bytes` are, with nothing behind it; else `undefined`. */
export function readOnlyDer(bytes: Uint8Array, tag: number): Uint8Array | undefined {
  const element = readDer(bytes);
  return element?.tag === tag && element.rest.length === 0 ? element.content : undefined;
}

/**
 * Reads the two positive integers of a SEQUENCE: an RSA public key (RFC 8017 appendix A.1.1), an ECDSA signature
 * (RFC 3279 section 2.2.3).
 *
 * @returns Each without its sign byte, or `undefined` where `bytes` are anything else.
 */
export function readIntegerPair(bytes: Uint8Array): readonly [Uint8Array, Uint8Array] | undefined {
  const sequence = readOnlyDer(bytes, DerTag.sequence);
  const first = sequence === undefined ? undefined : readDer(sequence);
  if (first?.tag !== DerTag.integer) return undefined;
  const second = readOnlyDer(first.rest, DerTag.integer);
  const [left, right] = [positive(first.content), second === undefined ? undefined : positive(second)];
  return left === undefined || right === undefined ? undefined : [left, right];
}

/** Shortest form only: a leading zero stands just before a set top bit. */
function positive(content: Uint8Array): Uint8Array | undefined {
  const [first, second = 0] = content;
  if (first === undefined || first >= 0x80) return undefined;
  if (first !== 0) return content;
  return second >= 0x80 ? content.subarray(1) : undefined;
}
