import { equalBytes, fromHex, toHex } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import { keyIdOf } from "../messages/key-set.ts";
import type { KeyRecord } from "../schemas/types.generated.ts";
import { isEd25519Point, isP256Point } from "./curve-points.ts";
import { DerTag, readDer, readIntegerPair, readOnlyDer } from "./der.ts";

/** Signature algorithm. Each type of key has one algorithm and one encoding. */
export type SignatureAlgorithm = KeyRecord["alg"];

/** Every algorithm that files, key sets and publishers may use. */
export const SIGNATURE_ALGORITHMS: readonly SignatureAlgorithm[] = [
  "ecdsa-p256-sha256",
  "rsa-pkcs1v15-sha256",
  "ed25519",
];

/** The algorithms of the device profile. */
export const DEVICE_ALGORITHMS: readonly SignatureAlgorithm[] = ["ecdsa-p256-sha256", "rsa-pkcs1v15-sha256"];

/** A checked public key, created by {@link parsePublicKey}. */
export interface PublicKey {
  /** 32 hexadecimal digits: the first 16 bytes of the SHA-256 of `spki`. */
  readonly keyid: string;
  readonly alg: SignatureAlgorithm;
  /** Size of the RSA modulus, or of the curve's field, in bits. */
  readonly sizeBits: number;
  /** DER SubjectPublicKeyInfo (RFC 5280 section 4.1). */
  readonly spki: Uint8Array;
}

/** Accepted sizes of an RSA modulus, in bits. */
const RSA_BITS_MIN = 2048;
const RSA_BITS_MAX = 4096;

/** The only accepted public exponent, 65537. */
const RSA_EXPONENT = Uint8Array.of(0x01, 0x00, 0x01);

/** Object identifiers by the hexadecimal digits of their content. */
const RSA_ENCRYPTION = "2a864886f70d010101"; // 1.2.840.113549.1.1.1
const EC_PUBLIC_KEY = "2a8648ce3d0201"; // 1.2.840.10045.2.1
const PRIME256V1 = "2a8648ce3d030107"; // 1.2.840.10045.3.1.7
const ED25519 = "2b6570"; // 1.3.101.112

/** Names of unsupported types, for error messages. */
const FOREIGN_TYPES: ReadonlyMap<string, string> = new Map([
  ["2a864886f70d01010a", "RSASSA-PSS"],
  ["2a8648ce380401", "DSA"],
  ["2a8648ce3e0201", "DH"],
  ["2a864886f70d010301", "DH"],
  ["2b656e", "X25519"],
  ["2b656f", "X448"],
  ["2b6571", "Ed448"],
]);
const FOREIGN_CURVES: ReadonlyMap<string, string> = new Map([
  ["2a8648ce3d030101", "P-192"],
  ["2b81040021", "P-224"],
  ["2b81040022", "P-384"],
  ["2b81040023", "P-521"],
  ["2b8104000a", "secp256k1"],
]);

const ACCEPTED = "keys are P-256, RSA of 2048 to 4096 bits with the exponent 65537, or Ed25519";

/**
 * Parses a public key of one of the protocol's three types: ECDSA on P-256 with an uncompressed point, RSA with a
 * modulus of 2048 to 4096 bits and the exponent 65537, or Ed25519. Points must lie on their curve.
 *
 * @param spki - DER SubjectPublicKeyInfo (RFC 5280 section 4.1; RFC 5480, RFC 3279 section 2.3.1, RFC 8410). Copied.
 * @throws {@link OtaError} `signing/key-malformed` if it is not a valid key.
 * @throws {@link OtaError} `signing/key-unsupported` for any other type of key.
 */
export function parsePublicKey(spki: Uint8Array): PublicKey {
  const info = readOnlyDer(spki, DerTag.sequence);
  const algorithm = info === undefined ? undefined : readDer(info);
  const identifier = algorithm?.tag === DerTag.sequence ? readDer(algorithm.content) : undefined;
  const bits = algorithm === undefined ? undefined : readOnlyDer(algorithm.rest, DerTag.bitString);
  if (identifier?.tag !== DerTag.objectIdentifier || bits === undefined || bits[0] !== 0)
    throw malformed("it is not a DER SubjectPublicKeyInfo");
  const [key, parameters] = [bits.subarray(1), identifier.rest];
  const type = toHex(identifier.content);
  const own = Uint8Array.from(spki);
  const of = (alg: SignatureAlgorithm, sizeBits: number): PublicKey => {
    return { keyid: keyIdOf(own), alg, sizeBits, spki: own };
  };
  if (type === EC_PUBLIC_KEY) {
    assertP256(parameters, key);
    return of("ecdsa-p256-sha256", 256);
  }
  if (type === RSA_ENCRYPTION) return of("rsa-pkcs1v15-sha256", rsaSizeBits(parameters, key));
  if (type !== ED25519) throw unsupported(FOREIGN_TYPES.get(type) ?? "unknown", `its type is ${foreignType(type)}`);
  assertEd25519(parameters, key);
  return of("ed25519", 256);
}

function assertP256(parameters: Uint8Array, point: Uint8Array): void {
  const curve = readOnlyDer(parameters, DerTag.objectIdentifier);
  if (curve === undefined) throw unsupported("ec", "it states curve parameters instead of a named curve");
  const digits = toHex(curve);
  if (digits !== PRIME256V1) {
    const name = FOREIGN_CURVES.get(digits) ?? "unknown";
    throw unsupported(name, `its curve is ${name}`);
  }
  const [form] = point;
  if (point.length === 33 && (form === 2 || form === 3)) throw unsupported("ec", "its point is compressed");
  if (point.length !== 65 || form !== 4) throw malformed("its point is not 65 bytes that begin with 0x04");
  if (!isP256Point(point.subarray(1))) throw malformed("its point does not lie on P-256");
}

/** Checks an RSA key and returns the size of its modulus in bits. */
function rsaSizeBits(parameters: Uint8Array, key: Uint8Array): number {
  if (readOnlyDer(parameters, DerTag.null)?.length !== 0) throw malformed("parameters of an RSA key must be NULL");
  const pair = readIntegerPair(key);
  if (pair === undefined) throw malformed("it is not an RSA public key of modulus and exponent");
  const [modulus, exponent] = pair;
  const sizeBits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  if (sizeBits < RSA_BITS_MIN || sizeBits > RSA_BITS_MAX)
    throw unsupported(`rsa-${sizeBits}`, `its RSA modulus has ${sizeBits} bits`);
  if (!equalBytes(exponent, RSA_EXPONENT)) {
    const shown = exponent.length <= 4 ? String(Number.parseInt(toHex(exponent), 16)) : `${exponent.length} bytes long`;
    throw unsupported(`rsa-${sizeBits}`, `its RSA exponent is ${shown}`);
  }
  if (((modulus.at(-1) ?? 0) & 1) === 0) throw malformed("its RSA modulus is even");
  return sizeBits;
}

function assertEd25519(parameters: Uint8Array, key: Uint8Array): void {
  if (parameters.length > 0) throw malformed("an Ed25519 key has no parameters");
  if (key.length !== 32) throw malformed(`an Ed25519 key is 32 bytes; it has ${key.length}`);
  if (!isEd25519Point(key)) throw malformed("its point does not lie on edwards25519, or has small order");
}

function foreignType(digits: string): string {
  const name = FOREIGN_TYPES.get(digits);
  if (name !== undefined) return name;
  return `unknown (object identifier ${fromHex(digits)?.length === 0 ? "empty" : digits.slice(0, 40)})`;
}

function malformed(reason: string): OtaError<"signing/key-malformed"> {
  return new OtaError("signing/key-malformed", `the public key is malformed: ${reason}`, {});
}

function unsupported(type: string, reason: string): OtaError<"signing/key-unsupported"> {
  return new OtaError("signing/key-unsupported", `the key can't be used: ${reason}; ${ACCEPTED}`, { type });
}
