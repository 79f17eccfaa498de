/** Public keys as DER SubjectPublicKeyInfo, each wrong or unusual in one thing. */

import { SPKI } from "./vector-documents.ts";

/** A key, and the algorithm that its record states. */
export interface DerCase {
  readonly spki: Uint8Array;
  readonly alg: string;
}

const [INTEGER, BIT_STRING, NULL, OBJECT_ID, SEQUENCE] = [0x02, 0x03, 0x05, 0x06, 0x30];

const hex = (digits: string): Uint8Array => Uint8Array.from(Buffer.from(digits, "hex"));

const EC = hex("2a8648ce3d0201");
const PRIME256V1 = hex("2a8648ce3d030107");
const SECP256K1 = hex("2b8104000a");
const RSA = hex("2a864886f70d010101");
const ED25519 = hex("2b6570");

/** Returns an element with its length in the shortest form. */
function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const { length } = content;
  const long = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Uint8Array.from([tag, ...(length < 0x80 ? [length] : long), ...content]);
}

const spki = (algorithm: readonly Uint8Array[], key: Uint8Array): Uint8Array =>
  der(SEQUENCE, der(SEQUENCE, ...algorithm), der(BIT_STRING, Uint8Array.of(0), key));

const ecKey = (point: Uint8Array, parameters = der(OBJECT_ID, PRIME256V1)): DerCase => ({
  spki: spki([der(OBJECT_ID, EC), parameters], point),
  alg: "ecdsa-p256-sha256",
});

/** An odd modulus of some bits. */
function modulusOf(bits: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(bits / 8)).fill(0xa5);
  bytes[0] = 1 << ((bits - 1) % 8);
  return bytes[0] >= 0x80 ? Uint8Array.of(0, ...bytes) : bytes;
}

const EXPONENT = der(INTEGER, hex("010001"));

const rsaKey = (key: Uint8Array, parameters: readonly Uint8Array[] = [der(NULL)]): DerCase => ({
  spki: spki([der(OBJECT_ID, RSA), ...parameters], key),
  alg: "rsa-pkcs1v15-sha256",
});

const rsaPair = (modulus: Uint8Array, exponent = EXPONENT, ...more: readonly Uint8Array[]): Uint8Array =>
  der(SEQUENCE, der(INTEGER, modulus), exponent, ...more);

const ED25519_POINT = hex("3c368bbf8ac5369d647c36e249af6928d761a075efe3c297e3367c8c202f1324");

const edKey = (length: number, parameters: readonly Uint8Array[] = []): DerCase => ({
  spki: spki([der(OBJECT_ID, ED25519), ...parameters], ED25519_POINT.subarray(0, length)),
  alg: "ed25519",
});

const raw = (spki: Uint8Array): DerCase => ({ spki, alg: "ecdsa-p256-sha256" });

const point = (x: string, y: string): Uint8Array => Uint8Array.of(4, ...hex(x), ...hex(y));

const PRIME = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";

/** A key with nothing wrong. */
const good = Uint8Array.from(Buffer.from(SPKI.other, "base64"));

/** Elliptic curve keys. */
export const EC_CASES: readonly DerCase[] = [
  ecKey(Uint8Array.of(4, ...new Uint8Array(64).fill(1))),
  ecKey(point("00".repeat(32), "00".repeat(32))),
  ecKey(point(PRIME, "01".repeat(32))),
  ecKey(point("01".repeat(32), PRIME)),
  ecKey(point("01".repeat(32), "ff".repeat(32))),
  ecKey(Uint8Array.of(2, ...new Uint8Array(32).fill(1))),
  ecKey(Uint8Array.of(3, ...new Uint8Array(32).fill(1))),
  ecKey(Uint8Array.of(5, ...new Uint8Array(32).fill(1))),
  ecKey(Uint8Array.of(5, ...new Uint8Array(64).fill(1))),
  ecKey(Uint8Array.of(4)),
  ecKey(Uint8Array.of(4, ...new Uint8Array(64).fill(1)), der(OBJECT_ID, SECP256K1)),
  ecKey(Uint8Array.of(4, ...new Uint8Array(64).fill(1)), der(OBJECT_ID, hex("2a8648ce3d030108"))),
  ecKey(Uint8Array.of(4, ...new Uint8Array(64).fill(1)), der(NULL)),
  ecKey(Uint8Array.of(4, ...new Uint8Array(64).fill(1)), new Uint8Array()),
];

/** RSA keys. */
export const RSA_CASES: readonly DerCase[] = [
  rsaKey(rsaPair(modulusOf(2048))),
  rsaKey(rsaPair(modulusOf(2049))),
  rsaKey(rsaPair(modulusOf(2047))),
  rsaKey(rsaPair(modulusOf(2041))),
  rsaKey(rsaPair(modulusOf(4097))),
  rsaKey(rsaPair(modulusOf(2048), der(INTEGER, hex("03")))),
  rsaKey(rsaPair(modulusOf(2048), der(INTEGER, hex("010003")))),
  rsaKey(rsaPair(modulusOf(2048).fill(0xa4, 200))),
  rsaKey(rsaPair(modulusOf(2048)), [der(NULL, hex("00"))]),
  rsaKey(rsaPair(modulusOf(2048)), []),
  rsaKey(rsaPair(modulusOf(2048)), [der(NULL), der(NULL)]),
  rsaKey(rsaPair(hex(""))),
  rsaKey(rsaPair(hex("00"))),
  rsaKey(rsaPair(hex("007f"))),
  rsaKey(rsaPair(hex("80"))),
  rsaKey(rsaPair(modulusOf(2048), der(NULL))),
  rsaKey(rsaPair(modulusOf(2048), EXPONENT, der(NULL))),
  rsaKey(der(SEQUENCE)),
  rsaKey(der(NULL)),
  rsaKey(new Uint8Array()),
];

/** Keys of other algorithms, and DER that is none. */
export const OTHER_KEY_CASES: readonly DerCase[] = [
  edKey(32),
  edKey(31),
  edKey(32, [der(NULL)]),
  { ...edKey(32), alg: "rsa-pkcs1v15-sha256" },
  { spki: good, alg: "rsa-pkcs1v15-sha256" },
  { spki: spki([der(OBJECT_ID, hex("2b6571"))], new Uint8Array(57)), alg: "ed25519" },
  raw(hex("020101")),
  raw(hex("30ff00")),
  raw(hex("308000")),
  raw(hex("30820100")),
  raw(hex("308301000000")),
  raw(hex("308105020101aabb")),
  raw(hex("30820080")),
  raw(hex("3005020101")),
  raw(hex("300000")),
  raw(Uint8Array.of(...good, 0)),
  raw(der(SEQUENCE)),
  raw(der(SEQUENCE, der(SEQUENCE))),
  raw(der(SEQUENCE, der(SEQUENCE, der(OBJECT_ID, EC)))),
  raw(der(SEQUENCE, der(SEQUENCE, der(OBJECT_ID, EC)), der(BIT_STRING))),
  raw(der(SEQUENCE, der(SEQUENCE, der(OBJECT_ID, EC)), der(BIT_STRING, hex("01aa")))),
  raw(der(SEQUENCE, der(SEQUENCE, der(OBJECT_ID, EC)), der(BIT_STRING, hex("00aa")), der(NULL))),
  raw(hex("3081")),
];
