import type { Choices } from "./choices.ts";

/** Numbers that often break formats: limits of fields, and the numbers after them. */
const NUMBERS: readonly number[] = [
  ...[0, 1, 2, 7, 8, 16, 31, 32, 33, 64, 100, 127, 128, 255, 256, 4095, 4096, 4097, 0x7fff, 0x8000, 0xffff, 0x10000],
  ...[0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff],
];

/** Texts that often break JSON, CSV and PEM. */
const WORDS: readonly string[] = [
  ...['"', "{", "}", "[", "]", ",", ":", "\\", "\\u0000", "\\ud800", "null", "true", "-", "0", "1e999", "1.5", "-0"],
  ...[
    "2147483647",
    "2147483648",
    "9007199254740993",
    '"__proto__":',
    '"constructor":',
    '"":',
    "{}",
    "[]",
    '""',
    "=",
    "==",
  ],
  ...[
    "\n",
    "\r\n",
    "#",
    '""',
    "0x",
    "K",
    "M",
    "../",
    "$",
    "${",
    "}",
    "\u0000",
    "é",
    "\ufeff",
    "-----BEGIN ",
    "-----END ",
  ],
];

const encoder = new TextEncoder();

/**
 * Makes some small changes to an input.
 *
 * @param corpus - Other inputs, whose parts may be used.
 * @param sizeMax - Maximum size of the result, in bytes.
 */
export function mutate(input: Uint8Array, corpus: readonly Uint8Array[], sizeMax: number, random: Choices): Uint8Array {
  let bytes = input;
  for (let steps = 1 << random.below(4); steps > 0; steps--) bytes = random.pick(MUTATIONS)(bytes, random, corpus);
  return bytes.length > sizeMax ? bytes.slice(0, sizeMax) : bytes;
}

type Mutation = (bytes: Uint8Array, random: Choices, corpus: readonly Uint8Array[]) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => changed(bytes, random, (byte) => byte ^ (1 << random.below(8))),
  (bytes, random) => changed(bytes, random, () => random.below(256)),
  (bytes, random) => changed(bytes, random, (byte) => byte + random.below(17) - 8),
  (bytes, random) => {
    const size = random.pick([2, 4]);
    const value = random.pick(NUMBERS);
    const isLittle = random.below(2) === 0;
    if (bytes.length < size) return bytes;
    const copy = bytes.slice();
    const at = random.below(bytes.length - size + 1);
    for (let index = 0; index < size; index++) {
      copy[at + index] = value >>> (8 * (isLittle ? index : size - 1 - index));
    }
    return copy;
  },
  (bytes, random) => bytes.slice(0, random.below(bytes.length + 1)),
  (bytes, random) => {
    const [from, to] = rangeOf(bytes, random);
    return joined(bytes.subarray(0, from), bytes.subarray(to));
  },
  (bytes, random) => {
    const [from, to] = rangeOf(bytes, random);
    const at = random.below(bytes.length + 1);
    return joined(bytes.subarray(0, at), bytes.subarray(from, to), bytes.subarray(at));
  },
  (bytes, random) => {
    const at = random.below(bytes.length + 1);
    const word = encoder.encode(random.pick(WORDS));
    return joined(bytes.subarray(0, at), word, bytes.subarray(at + random.below(2) * word.length));
  },
  (bytes, random) => {
    const at = random.below(bytes.length + 1);
    const filler = new Uint8Array(1 + random.below(64)).fill(random.pick([0, 0x20, 0x30, 0x41, 0xff]));
    return joined(bytes.subarray(0, at), filler, bytes.subarray(at));
  },
  (bytes, random) => {
    const at = random.below(bytes.length + 1);
    const added = Uint8Array.from({ length: 1 << random.below(4) }, () => random.below(256));
    return joined(bytes.subarray(0, at), added, bytes.subarray(at));
  },
  (bytes, random, corpus) => {
    const other = random.pick(corpus);
    const [from, to] = rangeOf(other, random);
    const at = random.below(bytes.length + 1);
    return joined(bytes.subarray(0, at), other.subarray(from, to), bytes.subarray(at + random.below(2) * (to - from)));
  },
];

function changed(bytes: Uint8Array, random: Choices, change: (byte: number) => number): Uint8Array {
  if (bytes.length === 0) return bytes;
  const copy = bytes.slice();
  const at = random.below(copy.length);
  copy[at] = change(copy[at] ?? 0);
  return copy;
}

function rangeOf(bytes: Uint8Array, random: Choices): readonly [from: number, to: number] {
  const from = random.below(bytes.length + 1);
  return [from, from + random.below(Math.min(bytes.length - from, 1 << random.below(10)) + 1)];
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
