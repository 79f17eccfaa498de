import { MESSAGE_SIZE_MAX, OtaError } from "@tinybms/ota-core";
import {
  buildEnvelope,
  type Envelope,
  type PublicKey,
  type SignatureAlgorithm,
  type SigningProgress,
  signaturesNeeded,
  type TrustedKeys,
} from "@tinybms/ota-core/signing";

/** A key set that still collects signatures. */
export interface KeySetInSigning {
  readonly envelope: Envelope;
  readonly keys: TrustedKeys;
  /** Keys that have signed and keys that still must. */
  readonly progress: readonly SigningProgress[];
}

/** Algorithms of the device profile (docs/protocol.md, "Algorithms"): no crypto library of ESP-IDF has Ed25519. */
const DEVICE_ALGORITHMS: readonly SignatureAlgorithm[] = ["ecdsa-p256-sha256", "rsa-pkcs1v15-sha256"];

/**
 * Refuses a pending key set that trusts a new key of an algorithm that devices don't have. Keys of the current set stay, so
 * that they can be revoked one after the other.
 *
 * @throws {@link OtaError} `signing/key-set-change`.
 */
export function assertDeviceAlgorithms({ keys }: KeySetInSigning, current: TrustedKeys | undefined): void {
  for (const [keyid, { alg }] of Object.entries(keys.document.records)) {
    if (DEVICE_ALGORITHMS.includes(alg) || current?.document.records[keyid] !== undefined) continue;
    const message = `key ${keyid} is ${alg}, which devices can't verify`;
    const hint = "make an ECDSA P-256 key: tinybms-ota keygen --out team.pem; Ed25519 is for sign and verify of files";
    throw new OtaError("signing/key-set-change", message, {}, { hint });
  }
}

/**
 * Refuses a pending key set that can't become small enough for devices: with the signatures that it has, and the smallest
 * ones that it still needs.
 *
 * @throws {@link OtaError} `signing/key-set-change`.
 */
export function assertKeySetFits(
  { envelope, keys, progress }: KeySetInSigning,
  current: TrustedKeys | undefined,
): void {
  const roots = [...(current?.roles.root.keys ?? []), ...keys.roles.root.keys];
  const missing = Math.max(0, signaturesNeeded(progress) - envelope.signatures.length);
  const signed = envelope.signatures.map(({ keyid }) => keyid);
  const smallest = [...new Map(roots.map((key) => [key.keyid, key])).values()]
    .filter(({ keyid }) => !signed.includes(keyid))
    .sort((left, right) => signatureSize(left) - signatureSize(right))
    .slice(0, missing);
  const later = smallest.map((key) => ({ keyid: key.keyid, alg: key.alg, sig: new Uint8Array(signatureSize(key)) }));
  const size = sizeOf(() => buildEnvelope(envelope.payload, [...envelope.signatures, ...later]));
  if (size <= MESSAGE_SIZE_MAX.keys) return;
  const message = `the key set has ${size} bytes with its signatures; devices take at most ${MESSAGE_SIZE_MAX.keys}`;
  const hint = "use ECDSA P-256 keys instead of RSA, fewer keys, or a lower threshold of root";
  throw new OtaError("signing/key-set-change", message, {}, { hint });
}

/** Returns the size of a message, even if it is too large to be built. */
function sizeOf(build: () => Uint8Array): number {
  try {
    return build().length;
  } catch (error) {
    if (error instanceof OtaError && "size" in error.details) return Number(error.details.size);
    throw error;
  }
}

/** Returns the size of a signature in bytes. ECDSA signatures in DER nearly always have 70 to 72 bytes. */
function signatureSize({ alg, sizeBits }: PublicKey): number {
  if (alg === "ecdsa-p256-sha256") return 70;
  return alg === "ed25519" ? 64 : sizeBits / 8;
}
