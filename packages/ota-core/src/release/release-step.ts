import { assert } from "../assert.ts";
import type { LoadedRoot } from "../manifest/load.ts";
import { readReleaseFile, releaseFileOf } from "../manifest/release-file.ts";
import { buildEnvelope } from "../messages/envelope.ts";
import type { Artifact } from "../schemas/types.generated.ts";
import type { Signer } from "../signing/sign-envelope.ts";
import type { PackagePlan } from "./plan.ts";
import type { Binary } from "./read-image.ts";
import { productOf, releaseDocument } from "./release-document.ts";
import { signedRelease } from "./sign-release.ts";

/**
 * Signs a release.
 *
 * @param createdAt - Time of packaging.
 * @returns Path and new contents of `release.json`, or `undefined` if the file already has them.
 * @throws What `signedRelease` throws.
 */
export async function signedReleaseFile(
  signers: readonly Signer[],
  { root, binary, plan }: { readonly root: LoadedRoot; readonly binary: Binary; readonly plan: PackagePlan },
  createdAt: string,
): Promise<{ readonly path: string; readonly bytes: Uint8Array } | undefined> {
  const { size, sha256, image, chipId, hashListSha256 } = binary;
  assert(hashListSha256 !== undefined, "a binary that is signed is read with its hash list");
  const document = releaseDocument({
    ...productOf(root.manifest, chipId),
    version: plan.version,
    createdAt,
    image: { sha256, sizeBytes: size, secureVersion: image.secureVersion, chipId, hashListSha256 },
  });
  const path = releaseFileOf(plan.versionManifest);
  const envelope = await signedRelease(path, document, signers);
  return envelope === undefined ? undefined : { path, bytes: buildEnvelope(envelope.payload, envelope.signatures) };
}

/**
 * Finds the signed release of other bytes, which an unsigned forced release must remove.
 *
 * @param artifacts - What the version manifest lists after the release.
 * @returns The path of `release.json`, or an empty array if it is absent or belongs to an artifact.
 * @throws What `readReleaseFile` throws.
 */
export async function staleRelease(versionManifest: string, artifacts: readonly Artifact[]): Promise<string[]> {
  const path = releaseFileOf(versionManifest);
  const found = await readReleaseFile(path);
  const isKept = found === undefined || artifacts.some(({ sha256 }) => sha256 === found.release.image.sha256);
  return isKept ? [] : [path];
}
