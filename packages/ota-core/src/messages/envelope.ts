import { concatBytes, fromBase64, toBase64, utf8 } from "../bytes.ts";
import type { Envelope as EnvelopeJson } from "../schemas/types.generated.ts";
import { validateEnvelope } from "../schemas/validators.generated.ts";
import { buildMessage, checkMessage, type MessageKind, malformedMessage, parseMessage } from "./json-message.ts";
import { MESSAGE_SIZE_MAX } from "./topics.ts";

/** A signature over an envelope's payload. */
export interface EnvelopeSignature {
  /** Which key to try first: 32 lower-case hexadecimal digits. */
  readonly keyid: string;
  /** Algorithm as the signer names it. The trusted key's own record decides. */
  readonly alg: string;
  readonly sig: Uint8Array;
}

/** A signed JSON document: the very bytes that were signed, and at most 4 signatures. */
export interface Envelope {
  readonly payload: Uint8Array;
  /** Empty: unsigned. */
  readonly signatures: readonly EnvelopeSignature[];
}

/** An envelope carries at most this many signatures: what a device verifies stays bounded. */
export const SIGNATURES_MAX = 4;

/** What an envelope holds. A signature for one kind is none for another. */
export type SignedKind = "keys" | "offer" | "release";

/**
 * An envelope as it travels.
 *
 * @param payload - The document, as it was signed.
 * @throws OtaError `protocol/too-large` beyond 16 KiB, `protocol/malformed` for what no reader would take.
 */
export function buildEnvelope(payload: Uint8Array, signatures: readonly EnvelopeSignature[] = []): Uint8Array {
  return buildMessage(envelopeToJson({ payload, signatures }), kindOf(MESSAGE_SIZE_MAX.offer));
}

/**
 * Reads an envelope. Says nothing about its signatures or what its payload holds.
 *
 * @param limit - The largest size in bytes: {@link MESSAGE_SIZE_MAX}`.keys` for key sets, else that of offers.
 * @throws OtaError `protocol/too-large` or `protocol/malformed`.
 */
export function parseEnvelope(bytes: Uint8Array, limit: number = MESSAGE_SIZE_MAX.offer): Envelope {
  return decode(parseMessage(bytes, kindOf(limit)));
}

/** The JSON value of an envelope, to stand in another document. */
export function envelopeToJson({ payload, signatures }: Envelope): EnvelopeJson {
  return {
    payload: toBase64(payload),
    signatures: signatures.map(({ keyid, alg, sig }) => ({ keyid, alg, sig: toBase64(sig) })),
  };
}

/**
 * Reads an envelope that stands in another document.
 *
 * @param value - A JSON value.
 * @throws OtaError `protocol/malformed`.
 */
export function envelopeFromJson(value: unknown): Envelope {
  return decode(checkMessage(value, kindOf(MESSAGE_SIZE_MAX.offer)));
}

/** The bytes that a signature is over: `tinybms-ota/<kind>/v1`, a zero byte, the payload. */
export function signedBytes(kind: SignedKind, payload: Uint8Array): Uint8Array {
  return concatBytes([utf8(`tinybms-ota/${kind}/v1\0`), payload]);
}

function kindOf(sizeMax: number): MessageKind<EnvelopeJson> {
  return { name: "envelope", sizeMax, validate: validateEnvelope };
}

function decode({ payload, signatures }: EnvelopeJson): Envelope {
  return {
    payload: decodeBase64(payload, "/payload"),
    signatures: signatures.map(({ keyid, alg, sig }, index) => {
      return { keyid, alg, sig: decodeBase64(sig, `/signatures/${index}/sig`) };
    }),
  };
}

function decodeBase64(text: string, path: string): Uint8Array {
  const bytes = fromBase64(text);
  if (bytes === undefined) throw malformedMessage("envelope", path, `${path} is no canonical base64`);
  return bytes;
}
