import type { OtaError } from "../errors.ts";
import type { Release } from "../schemas/types.generated.ts";
import { imageProblem, readBackMismatch, rejectedByDevice } from "./image-problem.ts";
import type { FlashResult } from "./receiver-events.ts";

/** What a download does with a whole image that was read back from flash. */
export type ImageDecision =
  /** It is what the release says, and may run. */
  | { readonly type: "accept" }
  /** The flash does not hold the release's bytes: look for the chunks that went wrong. */
  | { readonly type: "start-over"; readonly error: OtaError }
  /** The flash holds the release's bytes, and they must not run. */
  | { readonly type: "condemn"; readonly error: OtaError };

/**
 * Decides whether the image in flash is the release's and may run. Checks of single chunks are not enough.
 *
 * @param result - What the device read.
 * @param expected - The image, as its release describes it.
 * @param projectName - Project name that the image must have; `undefined` if the offer waives this check.
 */
export function decideOnImage(
  { storedSha256, image }: Extract<FlashResult, { operation: "verify-image" }>,
  expected: Release["image"],
  projectName: string | undefined,
): ImageDecision {
  if (storedSha256 !== expected.sha256) {
    return { type: "start-over", error: readBackMismatch(expected.sha256, storedSha256) };
  }
  if ("espErr" in image) return { type: "condemn", error: rejectedByDevice(image.espErr) };
  const error = imageProblem(image, expected, projectName);
  return error === undefined ? { type: "accept" } : { type: "condemn", error };
}
