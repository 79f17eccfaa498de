import { equalBytes } from "../bytes.ts";
import { isOtaError, OtaError } from "../errors.ts";
import { type ReleaseFile, readReleaseFile } from "../manifest/release-file.ts";
import { buildEnvelope, type Envelope } from "../messages/envelope.ts";
import { buildRelease } from "../messages/release.ts";
import { RELEASE_SIZE_MAX } from "../messages/topics.ts";
import type { Release } from "../schemas/types.generated.ts";
import { type Signer, signEnvelope } from "../signing/sign-envelope.ts";
import { verifySignature } from "../signing/signature-verifier.ts";
import { releaseDifference } from "./release-document.ts";

/**
 * Signs a release and returns the new contents of `release.json`.
 *
 * Keeps payload and signatures of an existing envelope with the same release, so that several people can sign it one
 * after the other. Keeps the signature of a key that has already signed, because ECDSA signatures differ each time and
 * packaging the same bytes again must change nothing.
 *
 * @param file - Path of `release.json`.
 * @param document - The release.
 * @returns The envelope, or `undefined` if the file already contains it.
 * @throws {@link OtaError} as the signers; `manifest/unreadable`.
 * @throws {@link OtaError} `protocol/too-large` if no offer would have room for the release.
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
  if (before !== undefined && isThere) return undefined;
  assertFitsOffer(signed);
  return signed;
}

function assertFitsOffer(release: Envelope): void {
  const size = buildEnvelope(release.payload, release.signatures).length;
  if (size <= RELEASE_SIZE_MAX) return;
  const message = `the release has ${size} bytes with its signatures; an offer has room for ${RELEASE_SIZE_MAX}`;
  const hint = "sign with fewer keys, or with ECDSA P-256 keys, whose signatures are the smallest";
  throw new OtaError("protocol/too-large", message, { message: "release", size, limit: RELEASE_SIZE_MAX }, { hint });
}

/** Reads the file's release if it is the same one. A malformed file counts as absent and will be replaced. */
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

/** Wraps a signer so that it returns an existing valid signature of its key. */
function signerOnce(sign: Signer, { signatures }: Envelope): Signer {
  return async (message) => {
    const { key, signature } = await sign(message);
    const earlier = signatures.find(
      ({ keyid, alg, sig }) => keyid === key.keyid && alg === key.alg && verifySignature(key, message, sig),
    );
    return { key, signature: earlier?.sig ?? signature };
  };
}
