import type { Problem } from "../errors.ts";
import { createImageJudge, type JudgedImage } from "../image/judge-image.ts";
import { type ArtifactOrigin, measureArtifact } from "./artifact-file.ts";

/** Result of {@link checkArtifactFile}. */
export interface CheckedArtifact {
  /** Differences from the manifest's `size` and `sha256`. `path` is a slash and the member's name. */
  readonly mismatches: readonly Problem[];
  readonly judged: JudgedImage;
}

/**
 * Reads an artifact's file once, compares it with the manifest and checks the app image in it.
 *
 * @param origin - The manifest that lists it.
 * @param path - The artifact's file.
 * @param expected - The manifest's `size` and `sha256`, if they are valid.
 * @throws {@link OtaError} `manifest/artifact-not-found` if the file is missing or can't be read.
 */
export async function checkArtifactFile(
  origin: ArtifactOrigin,
  path: string,
  expected: { readonly size?: number | undefined; readonly sha256?: string | undefined },
): Promise<CheckedArtifact> {
  const judge = createImageJudge();
  const found = await measureArtifact(origin, path, { onPiece: (piece) => judge.push(piece) });
  return { mismatches: mismatchesOf(path, expected, found), judged: judge.finish() };
}

function mismatchesOf(
  path: string,
  expected: { readonly size?: number | undefined; readonly sha256?: string | undefined },
  found: { readonly size: number; readonly sha256: string },
): Problem[] {
  const code = "manifest/artifact-mismatch";
  if (expected.size !== undefined && expected.size !== found.size) {
    // A file of another size has another hash too; one problem is enough.
    return [
      { code, path: "/size", message: `the size of ${path} is ${found.size}; the manifest says ${expected.size}` },
    ];
  }
  const sha256 = expected.sha256?.toLowerCase();
  if (sha256 === undefined || sha256 === found.sha256) return [];
  return [{ code, path: "/sha256", message: `the SHA-256 of ${path} is ${found.sha256}; the manifest says ${sha256}` }];
}
