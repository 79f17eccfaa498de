import { fromBase64, toBase64 } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import { type PublicKey, parsePublicKey } from "./public-key.ts";

/** One block of PEM. */
export interface PemBlock {
  /** What stands after `BEGIN`, for example `PUBLIC KEY`. */
  readonly label: string;
  readonly bytes: Uint8Array;
}

/** More characters than any key file has. */
const PEM_LENGTH_MAX = 16_384;

const BLOCK = /^\s*-----BEGIN ([A-Z0-9 ]{1,40})-----\r?\n((?:[A-Za-z0-9+/=]{1,76}\r?\n)+)-----END \1-----\s*$/;

/** What to do with a file that holds something else than a public key. */
const OTHER_BLOCKS: ReadonlyMap<string, string> = new Map([
  ["PRIVATE KEY", "it is a private key; give the file with .pub that keygen wrote, or openssl pkey -pubout"],
  ["ENCRYPTED PRIVATE KEY", "it is a private key; give the file with .pub that keygen wrote, or openssl pkey -pubout"],
  ["EC PRIVATE KEY", "it is a private key; openssl pkey -pubout makes the public one"],
  ["RSA PRIVATE KEY", "it is a private key; openssl pkey -pubout makes the public one"],
  ["RSA PUBLIC KEY", "it is an RSA key in the form of PKCS #1; openssl rsa -RSAPublicKey_in -pubout converts it"],
  ["CERTIFICATE", "it is a certificate; openssl x509 -pubkey -noout writes its key"],
]);

/**
 * Reads a file of exactly one PEM block (RFC 7468, strict form) with nothing but white space around it.
 *
 * @throws OtaError `signing/key-malformed`.
 */
export function parsePem(text: string): PemBlock {
  const [, label, body] = text.length > PEM_LENGTH_MAX ? [] : (BLOCK.exec(text) ?? []);
  if (label === undefined || body === undefined) throw malformed(reasonOf(text));
  const bytes = fromBase64(body.replaceAll(/\r?\n/g, ""));
  if (bytes === undefined) throw malformed("its lines are no canonical base64");
  return { label, bytes };
}

/**
 * Reads a public key file: `-----BEGIN PUBLIC KEY-----`, as `openssl pkey -pubout` writes it.
 *
 * @throws OtaError `signing/key-malformed` or `signing/key-unsupported`.
 */
export function parsePublicKeyPem(text: string): PublicKey {
  const { label, bytes } = parsePem(text);
  if (label === "PUBLIC KEY") return parsePublicKey(bytes);
  throw malformed(OTHER_BLOCKS.get(label) ?? `it holds ${label}; it must hold PUBLIC KEY`);
}

/** The public key file that {@link parsePublicKeyPem} reads. */
export function buildPublicKeyPem({ spki }: Pick<PublicKey, "spki">): string {
  const lines = toBase64(spki).replaceAll(/(.{64})(?=.)/g, "$1\n");
  return `-----BEGIN PUBLIC KEY-----\n${lines}\n-----END PUBLIC KEY-----\n`;
}

function reasonOf(text: string): string {
  if (text.length > PEM_LENGTH_MAX) return `it has ${text.length} characters; at most ${PEM_LENGTH_MAX} are read`;
  const blocks = text.match(/-----BEGIN /g)?.length ?? 0;
  if (blocks === 0) return "it holds no PEM block (-----BEGIN …-----)";
  if (blocks > 1) return `it holds ${blocks} PEM blocks; it must hold one`;
  return "it must be one PEM block of base64 lines, with nothing before, in or after it";
}

function malformed(reason: string): OtaError<"signing/key-malformed"> {
  return new OtaError("signing/key-malformed", `the key file is malformed: ${reason}`, {});
}
