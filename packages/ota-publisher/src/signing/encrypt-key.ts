import { createCipheriv, type KeyObject, randomBytes, scryptSync } from "node:crypto";

/**
 * Cost of scrypt: 16 MiB, five times. It is one of the settings in OWASP's Password Storage Cheat Sheet. OpenSSL reads
 * no key that needs more than 32 MiB (`SCRYPT_MAX_MEM`), which excludes the next larger N.
 */
const SCRYPT = { N: 2 ** 14, r: 8, p: 5 } as const;

const KEY_SIZE = 32;
const SALT_SIZE = 16;
const IV_SIZE = 16;

/**
 * Encrypts a private key as PKCS #8 with PBES2, scrypt and AES-256-CBC, which OpenSSL 1.1 and later read. Node.js can
 * write only PBKDF2 with 2048 iterations.
 *
 * @returns PEM with the label `ENCRYPTED PRIVATE KEY`.
 * @see RFC 5958 section 3, RFC 8018 appendix A.4, RFC 7914 section 7
 */
export function encryptPrivateKey(key: KeyObject, passphrase: string): string {
  const [salt, iv] = [randomBytes(SALT_SIZE), randomBytes(IV_SIZE)];
  const { N, r, p } = SCRYPT;
  const secret = scryptSync(passphrase, salt, KEY_SIZE, { N, r, p, maxmem: 64 * 1024 * 1024 });
  const cipher = createCipheriv("aes-256-cbc", secret, iv);
  const plain = key.export({ type: "pkcs8", format: "der" });
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]);
  const derivation = sequence(
    OID.scrypt,
    sequence(octets(salt), integer(N), integer(r), integer(p), integer(KEY_SIZE)),
  );
  const algorithm = sequence(OID.pbes2, sequence(derivation, sequence(OID.aes256Cbc, octets(iv))));
  const text = sequence(algorithm, octets(encrypted)).toString("base64");
  const lines = text.match(/.{1,64}/g) ?? [];
  return `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${lines.join("\n")}\n-----END ENCRYPTED PRIVATE KEY-----\n`;
}

/** Object identifiers in DER. */
const OID = {
  /** 1.2.840.113549.1.5.13 */
  pbes2: Buffer.from("06092a864886f70d01050d", "hex"),
  /** 1.3.6.1.4.1.11591.4.11 */
  scrypt: Buffer.from("06092b06010401da47040b", "hex"),
  /** 2.16.840.1.101.3.4.1.42 */
  aes256Cbc: Buffer.from("060960864801650304012a", "hex"),
} as const;

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return element(0x30, Buffer.concat(parts));
}

function octets(content: Uint8Array): Buffer {
  return element(0x04, content);
}

/** Encodes a positive INTEGER below 2³¹ in its shortest form. */
function integer(value: number): Buffer {
  const digits = value.toString(16);
  const bytes = Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex");
  return element(0x02, (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

/** Encodes a DER element with a definite length (X.690 section 8.1). */
function element(tag: number, content: Uint8Array): Buffer {
  const { length } = content;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}
