import { fromBase64, toBase64 } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import { type PublicKey, parsePublicKey } from "./public-key.ts";

/** One PEM block. */
export interface PemBlock {
  /** Text after `BEGIN`, for example `PUBLIC KEY`. */
  readonly label: string;
  readonly bytes: Uint8Array;
}

/** Maximum length of a key file in characters. */
const PEM_LENGTH_MAX = 16_384;

const BLOCK = /^\s*-----BEGIN ([A-Z0-9 ]{1,40})-----\r?\n((?:[A-Za-z0-9+/=]{1,76}\r?\n)+)-----END \1-----\s*$/;

/** Explanations for a file that contains something other than a public key. */
const OTHER_BLOCKS: ReadonlyMap<string, string> = new Map([
  ["PRIVATE KEY", "it is a private key; pass the .pub file that keygen wrote, or the output of openssl pkey -pubout"],
  [
    "ENCRYPTED PRIVATE KEY",
    "it is a private key; pass the .pub file that keygen wrote, or the output of openssl pkey -pubout",
  ],
  ["EC PRIVATE KEY", "it is a private key; openssl pkey -pubout writes the public key"],
  ["RSA PRIVATE KEY", "it is a private key; openssl pkey -pubout writes the public key"],
  ["RSA PUBLIC KEY", "it is an RSA key in PKCS #1 format; openssl rsa -RSAPublicKey_in -pubout converts it"],
  ["CERTIFICATE", "it is a certificate; openssl x509 -pubkey -noout writes its key"],
]);

/**
 * Parses a file of exactly one PEM block (RFC 7468, strict form) with only white space around it.
 *
 * @throws {@link OtaError} `signing/key-malformed` if the text is anything else.
 */
export function parsePem(text: string): PemBlock {
  const [, label, body] = text.length > PEM_LENGTH_MAX ? [] : (BLOCK.exec(text) ?? []);
  if (label === undefined || body === undefined) throw malformed(reasonOf(text));
  const bytes = fromBase64(body.replaceAll(/\r?\n/g, ""));
  if (bytes === undefined) throw malformed("its lines are not canonical base64");
  return { label, bytes };
}

/**
 * Parses a public key file (`-----BEGIN PUBLIC KEY-----`), as written by `openssl pkey -pubout`.
 *
 * @throws {@link OtaError} `signing/key-malformed` if the file is not one public key.
 * @throws {@link OtaError} `signing/key-unsupported` if the protocol does not support the type of key.
 */
export function parsePublicKeyPem(text: string): PublicKey {
  const { label, bytes } = parsePem(text);
  if (label === "PUBLIC KEY") return parsePublicKey(bytes);
  throw malformed(OTHER_BLOCKS.get(label) ?? `it holds ${label}; it must hold PUBLIC KEY`);
}

/** Formats a public key as a file that {@link parsePublicKeyPem} parses. */
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
