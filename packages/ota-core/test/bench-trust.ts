import { buildEnvelope, type Envelope } from "../src/messages/envelope.ts";
import { buildOffer, type OfferDocument } from "../src/messages/offer.ts";
import { buildRelease } from "../src/messages/release.ts";
import type { Release } from "../src/schemas/types.generated.ts";
import { readKeySet } from "../src/signing/key-set-step.ts";
import { type SignatureVerifier, verifySignature } from "../src/signing/signature-verifier.ts";
import type { TrustedKeys } from "../src/signing/trusted-keys.ts";
import { type BenchKey, type BenchRole, benchKeySet, createBenchKey, sealed, sealedKeySet } from "./bench-keys.ts";
import { PRODUCT, TOPIC_ROOT } from "./bench-offer.ts";

/** Who signs what at the bench, and a stranger. */
export const ROOT: BenchKey = createBenchKey();
export const RELEASER: BenchKey = createBenchKey();
export const OPERATOR: BenchKey = createBenchKey();
/** Of later key sets. */
export const NEW_RELEASER: BenchKey = createBenchKey();
export const NEW_OPERATOR: BenchKey = createBenchKey();
export const STRANGER: BenchKey = createBenchKey();

/** What a key set at the bench may differ in. */
export interface BenchSet {
  readonly root?: BenchRole;
  readonly release?: BenchRole;
  readonly offer?: BenchRole;
  readonly revoked?: readonly BenchKey[];
  readonly product?: string;
  readonly issuedAt?: string;
  /** Who signs it; the root key without it. */
  readonly signers?: readonly BenchKey[];
}

/** A key set envelope of an epoch: one key for each role, unless said otherwise. */
export function keySetOf(epoch: number, set: BenchSet = {}): Uint8Array {
  const { root = [[ROOT], 1], release = [[RELEASER], 1], offer = [[OPERATOR], 1], revoked = [] } = set;
  const { product = PRODUCT, issuedAt = "2026-01-01T00:00:00Z", signers = [ROOT] } = set;
  const document = benchKeySet({ root, release, offer }, { epoch, revoked });
  return sealedKeySet({ ...document, product, issued_at: issuedAt }, signers);
}

/** What a device is provisioned with: the set of epoch 1. */
export function provisioned(set: BenchSet = {}): TrustedKeys {
  return readKeySet(keySetOf(1, set), verifySignature);
}

/** Who signs an offer and the release in it. */
export interface BenchSigners {
  readonly offer?: readonly BenchKey[];
  readonly release?: readonly BenchKey[];
}

/** An offer as it travels, signed by the operator, with a release signed by the releaser unless said otherwise. */
export function signedOffer(
  release: Release | null,
  changes: Partial<OfferDocument> = {},
  { offer = [OPERATOR], release: releasers = [RELEASER] }: BenchSigners = {},
): Uint8Array {
  const sequence = changes.sequence ?? 1;
  const epoch = changes.epoch ?? 1;
  const payload = buildOffer({
    offer: 1,
    id: `${epoch.toString(16).padStart(16, "0")}${sequence.toString(16).padStart(16, "0")}`,
    topic_root: TOPIC_ROOT,
    epoch,
    sequence,
    issued_at: "2026-02-01T00:00:00Z",
    release: release === null ? null : sealed("release", buildRelease(release), releasers),
    chunk_encodings: ["identity"],
    target: "all",
    spread_ms: 0,
    ...changes,
  });
  return travelling(sealed("offer", payload, offer));
}

/** An envelope's bytes. */
export function travelling({ payload, signatures }: Envelope): Uint8Array {
  return buildEnvelope(payload, signatures);
}

/** A verifier that says how often it was asked. */
export function countingVerifier(): { readonly verify: SignatureVerifier; count: number } {
  const counter = {
    count: 0,
    verify: (...question: Parameters<SignatureVerifier>) => {
      counter.count++;
      return verifySignature(...question);
    },
  };
  return counter;
}
