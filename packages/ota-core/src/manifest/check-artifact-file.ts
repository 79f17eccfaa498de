import type { Problem } from "../errors.ts";
import { createImageJudge, type JudgedImage } from "../image/judge-image.ts";
import { type ArtifactOrigin, measureArtifact } from "./artifact-file.ts";

/** What an artifact's file turned out to be. */
export interface CheckedArtifact {
  /** Faults against the manifest's `size` and `sha256`; `path` is the member's name after a slash. */
  readonly mismatches: readonly Problem[];
  readonly judged: JudgedImage;
}

/**
 * Reads an artifact's file once and compares it with what the manifest says, and with what an app image must be.
 *
 * @param expected - The manifest's `size` and `sha256`, as far as they can be compared with.
 * @throws {@link OtaError} `manifest/artifact-not-found`.
 */
export async function checkArtifactFile(
  origin: ArtifactOrigin,
  path: string,
  expected: { readonly size?: number; readonly sha256?: string },
): Promise<CheckedArtifact> {
  const judge = createImageJudge();
  const found = await measureArtifact(origin, path, { onPiece: (piece) => judge.push(piece) });
  return { mismatches: mismatchesOf(path, expected, found), judged: judge.finish() };
}

function mismatchesOf(
  path: string,
  expected: { readonly size?: number; readonly sha256?: string },
  found: { readonly size: number; readonly sha256: string },
): Problem[] {
  const code = "manifest/artifact-mismatch";
  if (expected.size !== undefined && expected.size !== found.size) {
    // Of another size it has another hash too: once is enough.
    return [
      { code, path: "/size", message: `the size of ${path} is ${found.size}; the manifest says ${expected.size}` },
    ];
  }
  const sha256 = expected.sha256?.toLowerCase();
  if (sha256 === undefined || sha256 === found.sha256) return [];
  return [{ code, path: "/sha256", message: `the SHA-256 of ${path} is ${found.sha256}; the manifest says ${sha256}` }];
}
