import { validateDeviceRequest } from "../schemas/message-validators.generated.ts";
import type { DeviceRequest } from "../schemas/types.generated.ts";
import { buildMessage, type Immutable, type MessageKind, malformedMessage, parseMessage } from "./json-message.ts";
import { MESSAGE_SIZE_MAX } from "./topics.ts";

/**
 * Maximum number of ranges in a request. A device that misses more lists the lowest ones. So many of them fit into a
 * request for the largest image.
 */
export const REQUEST_RANGES_MAX = 64;

const REQUEST: MessageKind<DeviceRequest> = {
  name: "request",
  sizeMax: MESSAGE_SIZE_MAX.request,
  validate: validateDeviceRequest,
};

/**
 * Parses a device's request for chunks.
 *
 * Ranges ascend without overlap and contain at most `missing_count` chunks. They may lie beyond the image; the caller
 * checks that.
 *
 * @throws {@link OtaError} `protocol/too-large` if it exceeds 1024 bytes.
 * @throws {@link OtaError} `protocol/malformed` if it is not a request.
 */
export function parseRequest(payload: Uint8Array): DeviceRequest {
  const request = parseMessage(payload, REQUEST);
  checkRanges(request);
  return request;
}

/**
 * Builds a request message.
 *
 * @throws {@link OtaError} `protocol/malformed` if {@link parseRequest} would refuse it.
 */
export function buildRequest(request: Immutable<DeviceRequest>): Uint8Array {
  const payload = buildMessage(request, REQUEST);
  checkRanges(request);
  return payload;
}

function checkRanges({ missing, missing_count }: Immutable<DeviceRequest>): void {
  let end = 0;
  let sum = 0;
  for (const [index, [first, count]] of missing.entries()) {
    if (first < end)
      throw malformedMessage(
        REQUEST.name,
        `/missing/${index}/0`,
        `missing[${index}] begins at ${first}; it must not begin before ${end}`,
      );
    end = first + count;
    sum += count;
  }
  if (sum > missing_count)
    throw malformedMessage(REQUEST.name, "/missing_count", `missing_count is ${missing_count}; the ranges hold ${sum}`);
}
