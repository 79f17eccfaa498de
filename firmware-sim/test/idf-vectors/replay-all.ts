// Replays all boot or app cases of a release.

import { type IdfRelease, type IdfReleaseName, idfRelease } from "../../src/idf-release/idf-release.ts";
import { replayBoardVector } from "./replay-board-vector.ts";
import type { BoardVector, VectorImages } from "./vector-board.ts";
import { readVectorImages, readVectors } from "./vector-files.ts";

let images: VectorImages | undefined;

/**
 * Replays the cases of a release.
 *
 * @param idf - The release to replay them on; by default the one that they were recorded on.
 * @param until - Number of differences after which the replay ends.
 * @returns The differences, at most one for each case.
 */
export function replayAll(
  kind: "boot" | "app",
  release: IdfReleaseName,
  { idf = idfRelease(release), until = 20 }: { readonly idf?: IdfRelease; readonly until?: number } = {},
): readonly string[] {
  images ??= readVectorImages();
  const differences: string[] = [];
  for (const vector of readVectors<BoardVector>(kind, release)) {
    const difference = replayBoardVector(vector, images, idf);
    if (difference !== undefined) differences.push(difference);
    if (differences.length >= until) break;
  }
  return differences;
}
