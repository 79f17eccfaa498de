import { OtaError } from "@tinybms/ota-core";

/** Largest file to send as one message, in bytes. The embedded broker has the same limit. */
export const BLOB_SIZE_MAX: number = 16 * 1024 * 1024;

/** Hint for a message that is too large. */
export const CHUNKED_HINT =
  "chunked delivery has no such limit: remove `mode` from the mqtt channel, or use --mode chunked";

/**
 * Checks that a file is small enough for one message.
 *
 * @throws {@link OtaError} `delivery/blob-too-large`.
 */
export function assertBlobFits({ path, sizeBytes }: { readonly path: string; readonly sizeBytes: number }): void {
  if (sizeBytes > BLOB_SIZE_MAX) throw tooLargeError(path, sizeBytes, BLOB_SIZE_MAX, "blob mode");
}

/**
 * Creates the error for a file that is too large for one message.
 *
 * @param size - Size of the message, in bytes.
 * @param limit - Largest message that `taker` accepts, in bytes.
 * @param taker - Subject of the sentence about the limit.
 */
export function tooLargeError(
  path: string,
  size: number,
  limit: number,
  taker: string,
): OtaError<"delivery/blob-too-large"> {
  const message = `${path} needs a message of ${size} bytes; ${taker} accepts at most ${limit}`;
  return new OtaError("delivery/blob-too-large", message, { size, limit }, { hint: CHUNKED_HINT });
}
