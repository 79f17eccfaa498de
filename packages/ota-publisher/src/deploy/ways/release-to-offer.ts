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
 * Returns the release for an offer: the signed one if it exists, otherwise an unsigned one.
 *
 * @param parts - Contents of the release, from the files.
 * @throws {@link OtaError} `signing/release-mismatch` if the signed release has other contents; `signing/unsigned` if
 *   there is none and devices require one; `signing/…`: the codes of `verifyEnvelope`.
 */
export function releaseToOffer(parts: ReleaseParts, { file, found }: SignedRelease, signing: OfferSigning): Envelope {
  const keys = currentKeys(signing);
  const hint = "package the same build again with --sign-key, or --sign-command, of a release key";
  if (found === undefined) {
    if (keys === undefined) return unsignedRelease(parts);
    const message = `there is no signed release (${file}); devices with key set ${keys.document.epoch} require one`;
    throw new OtaError("signing/unsigned", message, { kind: "release" }, { hint });
  }
  const difference = releaseDifference(found.release, releaseDocument(parts));
  if (difference !== undefined) {
    const { member, left, right } = difference;
    const message = `${file} is the signed release of another build: its ${member} is ${JSON.stringify(left)}; it must be ${JSON.stringify(right)}`;
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
