import { OtaError } from "@tinybms/ota-core";

/** The largest file that goes as one message, in bytes: what an embedded broker takes, too. */
export const BLOB_SIZE_MAX: number = 16 * 1024 * 1024;

/** What to do about a message that is too large. */
export const CHUNKED_HINT =
  "chunked delivery has no such limit: leave `mode` out of the mqtt channel, or take --mode chunked";

/**
 * Refuses a file that is too large to go as one message.
 *
 * @throws {@link OtaError} `delivery/blob-too-large`.
 */
export function assertBlobFits({ path, sizeBytes }: { readonly path: string; readonly sizeBytes: number }): void {
  if (sizeBytes > BLOB_SIZE_MAX) throw tooLargeError(path, sizeBytes, BLOB_SIZE_MAX, "blob mode");
}

/**
 * Makes the error for a file that is too large for one message.
 *
 * @param size - Of the message, in bytes.
 * @param limit - The most that `taker` takes, in bytes.
 * @param taker - What has the limit, as the subject of the sentence.
 */
export function tooLargeError(
  path: string,
  size: number,
  limit: number,
  taker: string,
): OtaError<"delivery/blob-too-large"> {
  const message = `${path} makes a message of ${size} bytes; ${taker} takes at most ${limit}`;
  return new OtaError("delivery/blob-too-large", message, { size, limit }, { hint: CHUNKED_HINT });
}
