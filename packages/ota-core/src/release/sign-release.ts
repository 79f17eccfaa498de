import { equalBytes } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import { type ReleaseFile, readReleaseFile } from "../manifest/release-file.ts";
import type { Envelope } from "../messages/envelope.ts";
import { buildRelease } from "../messages/release.ts";
import type { Release } from "../schemas/types.generated.ts";
import { type Signer, signEnvelope } from "../signing/sign-envelope.ts";
import { verifySignature } from "../signing/signature-verifier.ts";
import { releaseDifference } from "./release-document.ts";

/**
 * The envelope that `release.json` is to hold.
 *
 * One that is there and says the same of the image keeps its bytes and its signatures, so that several people sign one
 * release one after the other. A key that has signed it already does not sign again: ECDSA gives another signature each
 * time, and packaging the same bytes twice changes nothing.
 *
 * @param document - What is released, with the time at which it is.
 * @returns The envelope; `undefined` where the file holds it already.
 * @throws OtaError as the signers; `manifest/unreadable`.
 */
export async function signedRelease(
  file: string,
  document: Release,
  signers: readonly Signer[],
): Promise<Envelope | undefined> {
  const before = await sameRelease(file, document);
  const start: Envelope = before?.envelope ?? { payload: buildRelease(document), signatures: [] };
  const signed = await signEnvelope(
    "release",
    start,
    signers.map((sign) => signerOnce(sign, start)),
  );
  const isThere = signed.signatures.every(({ sig }) => start.signatures.some((it) => equalBytes(it.sig, sig)));
  return before !== undefined && isThere ? undefined : signed;
}

/** The release that the file holds, if it is this one. What can't be read is none, and will be replaced. */
async function sameRelease(file: string, document: Release): Promise<ReleaseFile | undefined> {
  try {
    const found = await readReleaseFile(file);
    const isSame = found !== undefined && releaseDifference(found.release, document) === undefined;
    return isSame ? found : undefined;
  } catch (error) {
    if (isOtaError(error, "signing/release-malformed")) return undefined;
    throw error;
  }
}

/** A signer that gives the signature which its key has already given. */
function signerOnce(sign: Signer, { signatures }: Envelope): Signer {
  return async (message) => {
    const { key, signature } = await sign(message);
    const earlier = signatures.find(
      ({ keyid, alg, sig }) => keyid === key.keyid && alg === key.alg && verifySignature(key, message, sig),
    );
    return { key, signature: earlier?.sig ?? signature };
  };
}
