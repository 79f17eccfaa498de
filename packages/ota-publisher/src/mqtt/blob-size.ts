import { OtaError } from "@tinybms/ota-core";
import { REMAINING_LENGTH_MAX, remainingLength } from "./publish-packet.ts";

/** What to do about a message that is too large. */
export const CHUNKED_HINT =
  "chunked delivery has no such limit: leave `mode` out of the mqtt channel, or take --mode chunked";

/**
 * Refuses a file that no MQTT message can hold.
 *
 * @throws {@link OtaError} `delivery/blob-too-large`.
 */
export function refuseAboveProtocol(message: {
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  readonly file: { readonly path: string; readonly sizeBytes: number };
}): void {
  const { topic, qos, file } = message;
  // MQTT 5, which is tried first, needs a byte more than 3.1.1.
  const size = remainingLength({ topic, qos, retain: false, payloadSizeBytes: file.sizeBytes, version: 5 });
  if (size > REMAINING_LENGTH_MAX) throw tooLargeError(file.path, size, REMAINING_LENGTH_MAX, "an MQTT message");
}

/**
 * What to say of a file that is too large for one message.
 *
 * @param size - Of the message, in bytes.
 * @param limit - The most that `holder` takes, in bytes.
 * @param holder - What has the limit, to stand before "holds".
 */
export function tooLargeError(
  path: string,
  size: number,
  limit: number,
  holder: string,
): OtaError<"delivery/blob-too-large"> {
  const message = `${path} makes a message of ${size} bytes; ${holder} holds at most ${limit}`;
  return new OtaError("delivery/blob-too-large", message, { size, limit }, { hint: CHUNKED_HINT });
}
