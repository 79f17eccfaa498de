import { OtaError } from "../errors.ts";
import type { Envelope, EnvelopeSignature, SignedKind } from "../messages/envelope.ts";
import type { PublicKey } from "./public-key.ts";
import { answerChecks, type SignatureChecks } from "./signature-check.ts";
import type { SignatureVerifier } from "./signature-verifier.ts";
import type { KeyRoleName, TrustedKeys, TrustedRole } from "./trusted-keys.ts";

/** An envelope that a threshold of keys of the required role has signed. */
export interface VerifiedEnvelope {
  /** The verified bytes. Parse these, no other copy. */
  readonly payload: Uint8Array;
  /** Ids of the keys whose signatures are valid. */
  readonly keyids: readonly string[];
}

/**
 * Maximum number of verifications per envelope. An honest envelope needs one per signature, at most 4; the rest is for
 * signatures with a wrong key id.
 */
const ENVELOPE_VERIFICATIONS_MAX = 8;

/** Role that signs each kind of document. */
const ROLE_OF: Readonly<Record<SignedKind, KeyRoleName>> = { keys: "root", release: "release", offer: "offer" };

/**
 * Verifies that a threshold of trusted keys has signed an envelope.
 *
 * Uses algorithm and encoding of the trusted key, and ignores a signature that states another algorithm. The key id in
 * a signature only decides which key to try first. A key counts once, a revoked key not at all.
 *
 * @param keys - The current key set.
 * @param verify - `verifySignature` in Node.
 * @throws {@link OtaError} `signing/unsigned`.
 * @throws {@link OtaError} `signing/threshold` if some but too few keys have signed. If none has, the code says why the
 *   most likely signature doesn't count:
 * @throws {@link OtaError} `signing/bad-signature`.
 * @throws {@link OtaError} `signing/wrong-algorithm`.
 * @throws {@link OtaError} `signing/unsupported-algorithm`.
 * @throws {@link OtaError} `signing/revoked-key`.
 * @throws {@link OtaError} `signing/wrong-role`.
 * @throws {@link OtaError} `signing/unknown-key`.
 */
export function verifyEnvelope(
  envelope: Envelope,
  kind: SignedKind,
  keys: TrustedKeys,
  verify: SignatureVerifier,
): VerifiedEnvelope {
  return answerChecks(envelopeChecks(envelope, kind, keys), verify);
}

/**
 * Does what {@link verifyEnvelope} does, one signature at a time.
 *
 * @throws {@link OtaError} as {@link verifyEnvelope}.
 */
export function* envelopeChecks(
  envelope: Envelope,
  kind: SignedKind,
  keys: TrustedKeys,
): SignatureChecks<VerifiedEnvelope> {
  const { payload, signatures } = envelope;
  if (signatures.length === 0)
    throw new OtaError("signing/unsigned", `${NOUN[kind]} is not signed; this key set demands it`, { kind });
  const role = keys.roles[ROLE_OF[kind]];
  const keyids = yield* signerChecks(envelope, kind, role);
  if (keyids.length >= role.threshold) return { payload, keyids };
  throw refusal(envelope, kind, keys, keyids);
}

/**
 * Returns the keys of a role that have signed an envelope.
 *
 * @returns Their ids, each once; no more than the role's threshold are looked for.
 */
export function signersOf(
  envelope: Envelope,
  kind: SignedKind,
  role: TrustedRole,
  verify: SignatureVerifier,
): readonly string[] {
  return answerChecks(signerChecks(envelope, kind, role), verify);
}

/**
 * Tries each signature with the key that it names. Then tries each signature that is not valid so far with the role's
 * other keys, in the order of the key set. A key that counts already is not tried again. Ends at the threshold, or after
 * {@link ENVELOPE_VERIFICATIONS_MAX} checks.
 */
function* signerChecks(
  { payload, signatures }: Envelope,
  kind: SignedKind,
  { keys, threshold }: TrustedRole,
): SignatureChecks<readonly string[]> {
  const signers = new Set<string>();
  const valid = new Set<EnvelopeSignature>();
  let verifications = 0;
  for (const [signature, key] of attemptsOf(signatures, keys)) {
    if (valid.has(signature) || signers.has(key.keyid)) continue;
    if (signers.size >= threshold || verifications === ENVELOPE_VERIFICATIONS_MAX) break;
    verifications++;
    if (!(yield { kind, payload, key, signature: signature.sig })) continue;
    signers.add(key.keyid);
    valid.add(signature);
  }
  return [...signers];
}

type Attempt = readonly [EnvelopeSignature, PublicKey];

/** Pairs that name each other come first: an honest envelope then costs one check per signature that counts. */
function attemptsOf(signatures: readonly EnvelopeSignature[], keys: readonly PublicKey[]): readonly Attempt[] {
  const attempts = signatures.flatMap((signature) =>
    keys.filter(({ alg }) => alg === signature.alg).map((key): Attempt => [signature, key]),
  );
  const isNamed = ([{ keyid }, key]: Attempt): boolean => keyid === key.keyid;
  return [...attempts.filter(isNamed), ...attempts.filter((attempt) => !isNamed(attempt))];
}

const NOUN: Readonly<Record<SignedKind, string>> = { keys: "the key set", release: "the release", offer: "the offer" };

/** Why a signature doesn't count, from the most to the least likely to be meant. */
const REASONS = [
  "signing/bad-signature",
  "signing/wrong-algorithm",
  "signing/unsupported-algorithm",
  "signing/revoked-key",
  "signing/wrong-role",
  "signing/unknown-key",
] as const;

function refusal({ signatures }: Envelope, kind: SignedKind, keys: TrustedKeys, counted: readonly string[]): OtaError {
  const reasons = signatures
    .filter(({ keyid }) => !counted.includes(keyid))
    .map((signature) => reasonOf(signature, kind, keys))
    .sort((left, right) => REASONS.indexOf(left.code) - REASONS.indexOf(right.code));
  const [likeliest] = reasons;
  if (counted.length === 0 && likeliest !== undefined) return likeliest;
  const { threshold } = keys.roles[ROLE_OF[kind]];
  const why = reasons.map(({ message }) => `; ${message}`).join("");
  const message = `${NOUN[kind]} is signed by ${counted.length} of ${threshold} ${ROLE_OF[kind]} keys that must sign${why}`;
  return new OtaError("signing/threshold", message, { kind, needed: threshold, found: counted.length });
}

function reasonOf(
  { keyid, alg }: EnvelopeSignature,
  kind: SignedKind,
  { document, roles }: TrustedKeys,
): OtaError<(typeof REASONS)[number]> {
  const role = ROLE_OF[kind];
  const details = { kind, keyid };
  const noun = NOUN[kind];
  const where = `key set ${document.epoch}`;
  if (document.revoked.includes(keyid))
    return new OtaError("signing/revoked-key", `${noun} is signed by key ${keyid}, which ${where} revokes`, details);
  if (!Object.hasOwn(document.records, keyid))
    return new OtaError(
      "signing/unknown-key",
      `${noun} is signed by key ${keyid}, which ${where} doesn't hold`,
      details,
    );
  if (!document.roles[role].keyids.includes(keyid)) {
    const message = `${noun} is signed by key ${keyid}, which ${where} doesn't trust for the role ${role}`;
    return new OtaError("signing/wrong-role", message, details);
  }
  const key = roles[role].keys.find((it) => it.keyid === keyid);
  if (key === undefined) {
    const message = `${noun} is signed by key ${keyid}, whose algorithm this device doesn't have`;
    return new OtaError("signing/unsupported-algorithm", message, { kind, role });
  }
  if (key.alg !== alg) {
    const message = `${noun} has a signature that states ${alg}; key ${keyid} signs with ${key.alg}`;
    return new OtaError("signing/wrong-algorithm", message, { ...details, expected: key.alg, found: alg });
  }
  return new OtaError("signing/bad-signature", `${noun} has a signature that is none of key ${keyid}'s`, details);
}
