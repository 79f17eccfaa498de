export {
  buildEnvelope,
  type Envelope,
  type EnvelopeSignature,
  envelopeFromJson,
  envelopeToJson,
  parseEnvelope,
  SIGNATURES_MAX,
  type SignedKind,
  signedBytes,
} from "./messages/envelope.ts";
export { buildKeySet, parseKeySet } from "./messages/key-set.ts";
export { buildRelease, parseRelease } from "./messages/release.ts";
export { carryOutVerify } from "./receiver/carry-out-verify.ts";
export { buildKeySetRecord, parseKeySetRecord } from "./receiver/key-set-record.ts";
export {
  productOf,
  type ReleasedImage,
  type ReleaseParts,
  releaseDifference,
  releaseDocument,
} from "./release/release-document.ts";
export type {
  Envelope as EnvelopeJson,
  KeyRecord,
  KeyRole,
  KeySet,
  Release,
  ReleaseImage,
} from "./schemas/types.generated.ts";
export {
  addKey,
  firstKeySet,
  nextKeySet,
  revokeKey,
  rolesOf,
  rotateKey,
  setThreshold,
} from "./signing/key-set-changes.ts";
export { isFullySigned, keySetProgress, type SigningProgress, signaturesNeeded } from "./signing/key-set-progress.ts";
export { advanceKeySet, readKeySet } from "./signing/key-set-step.ts";
export { buildPublicKeyPem, type PemBlock, parsePem, parsePublicKeyPem } from "./signing/pem.ts";
export {
  DEVICE_ALGORITHMS,
  type PublicKey,
  parsePublicKey,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithm,
} from "./signing/public-key.ts";
export { type KeyedSignature, type Signer, signEnvelope } from "./signing/sign-envelope.ts";
export { hasSignatureForm, type SignatureVerifier, verifySignature } from "./signing/signature-verifier.ts";
export { earliestBuildTime } from "./signing/time-floor.ts";
export { KEY_ROLES, type KeyRoleName, type TrustedKeys, type TrustedRole, trustKeys } from "./signing/trusted-keys.ts";
export { type VerifiedEnvelope, verifyEnvelope } from "./signing/verify-envelope.ts";
export { WebCryptoVerifier } from "./signing/web-crypto-verifier.ts";
