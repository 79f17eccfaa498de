import { OtaError } from "@tinybms/ota-core";
import {
  type Envelope,
  type ReleaseParts,
  releaseDifference,
  releaseDocument,
  verifyEnvelope,
  verifySignature,
} from "@tinybms/ota-core/signing";
import { unsignedRelease } from "../../offer-payload.ts";
import { currentKeys, type OfferSigning } from "../../signing/offer-signing.ts";
import type { SignedRelease } from "./way.ts";

/**
 * The release that an offer carries: the signed one where there is one, else one that nobody has signed.
 *
 * @param parts - What the files say.
 * @throws OtaError `signing/release-mismatch` where the signed release says something else; `signing/unsigned` where
 *   there is none and devices demand it; `signing/…` as `verifyEnvelope`.
 */
export function releaseToOffer(parts: ReleaseParts, { file, found }: SignedRelease, signing: OfferSigning): Envelope {
  const keys = currentKeys(signing);
  const hint = "package the same build again with --sign-key, or --sign-command, of a release key";
  if (found === undefined) {
    if (keys === undefined) return unsignedRelease(parts);
    const message = `there is no signed release (${file}); devices that have key set ${keys.document.epoch} demand one`;
    throw new OtaError("signing/unsigned", message, { kind: "release" }, { hint });
  }
  const difference = releaseDifference(found.release, releaseDocument(parts));
  if (difference !== undefined) {
    const { member, left, right } = difference;
    const message = `${file} is the signed release of something else: its ${member} is ${JSON.stringify(left)}, and must be ${JSON.stringify(right)}`;
    throw new OtaError("signing/release-mismatch", message, { file, member }, { hint });
  }
  if (keys === undefined) return found.envelope;
  try {
    verifyEnvelope(found.envelope, "release", keys, verifySignature);
  } catch (error) {
    if (!(error instanceof OtaError)) throw error;
    throw new OtaError(error.code, `${file}: ${error.message}`, error.details, { cause: error, hint });
  }
  return found.envelope;
}
