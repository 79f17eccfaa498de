import { concatBytes, fromBase64, toBase64, utf8 } from "../bytes.ts";
import { validateEnvelope } from "../schemas/message-validators.generated.ts";
import type { Envelope as EnvelopeJson } from "../schemas/types.generated.ts";
import { buildMessage, checkMessage, type MessageKind, malformedMessage, parseMessage } from "./json-message.ts";
import { MESSAGE_SIZE_MAX } from "./topics.ts";

/** A signature over an envelope's payload. */
export interface EnvelopeSignature {
  /** Id of the key to try first: 32 lower-case hexadecimal digits. */
  readonly keyid: string;
  /** Algorithm as stated by the signer. Verification uses the one in the trusted key's record. */
  readonly alg: string;
  readonly sig: Uint8Array;
}

/** A signed JSON document: the exact bytes that were signed, and up to 4 signatures. */
export interface Envelope {
  readonly payload: Uint8Array;
  /** Empty if the document is unsigned. */
  readonly signatures: readonly EnvelopeSignature[];
}

/** Maximum number of signatures in an envelope, which limits the work of a device. */
export const SIGNATURES_MAX = 4;

/** Kind of document in an envelope. A signature for one kind is invalid for every other kind. */
export type SignedKind = "keys" | "offer" | "release";

/**
 * Builds an envelope message.
 *
 * @param payload - The exact bytes that were signed.
 * @throws {@link OtaError} `protocol/too-large` if the message exceeds 4096 bytes.
 * @throws {@link OtaError} `protocol/malformed` if {@link parseEnvelope} would refuse the message.
 */
export function buildEnvelope(payload: Uint8Array, signatures: readonly EnvelopeSignature[] = []): Uint8Array {
  return buildMessage(envelopeToJson({ payload, signatures }), kindOf(MESSAGE_SIZE_MAX.offer));
}

/**
 * Parses an envelope. Does not verify its signatures or parse its payload.
 *
 * @param limit - Maximum size in bytes; use {@link MESSAGE_SIZE_MAX}`.keys` for key sets. @defaultValue
 *   `MESSAGE_SIZE_MAX.offer`
 * @throws {@link OtaError} `protocol/too-large` if it exceeds `limit`.
 * @throws {@link OtaError} `protocol/malformed` if it is not an envelope.
 */
export function parseEnvelope(bytes: Uint8Array, limit: number = MESSAGE_SIZE_MAX.offer): Envelope {
  return decode(parseMessage(bytes, kindOf(limit)));
}

/** Converts an envelope to a JSON value, for use inside another document. */
export function envelopeToJson({ payload, signatures }: Envelope): EnvelopeJson {
  return {
    payload: toBase64(payload),
    signatures: signatures.map(({ keyid, alg, sig }) => ({ keyid, alg, sig: toBase64(sig) })),
  };
}

/**
 * Parses an envelope inside another document.
 *
 * @param value - A JSON value.
 * @throws {@link OtaError} `protocol/malformed` if it is not an envelope.
 */
export function envelopeFromJson(value: unknown): Envelope {
  return decode(checkMessage(value, kindOf(MESSAGE_SIZE_MAX.offer)));
}

/** Returns the bytes that a signature covers: `tinybms-ota/<kind>/v1`, a zero byte, the payload. */
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
  if (bytes === undefined) throw malformedMessage("envelope", path, `${path} is not canonical base64`);
  return bytes;
}
