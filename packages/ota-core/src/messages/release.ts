import { validateRelease } from "../schemas/message-validators.generated.ts";
import type { Release } from "../schemas/types.generated.ts";
import { buildMessage, type Immutable, type MessageKind, parseMessage } from "./json-message.ts";
import { MESSAGE_SIZE_MAX } from "./topics.ts";

const RELEASE: MessageKind<Release> = { name: "release", sizeMax: MESSAGE_SIZE_MAX.offer, validate: validateRelease };

/**
 * Parses the payload of a release envelope, which describes an image.
 *
 * @throws {@link OtaError} `protocol/too-large` if it exceeds 4096 bytes.
 * @throws {@link OtaError} `protocol/malformed` if it is not a release.
 */
export function parseRelease(payload: Uint8Array): Release {
  return parseMessage(payload, RELEASE);
}

/**
 * Builds the payload of a release envelope.
 *
 * @throws {@link OtaError} `protocol/malformed` if {@link parseRelease} would refuse it.
 */
export function buildRelease(release: Immutable<Release>): Uint8Array {
  return buildMessage(release, RELEASE);
}
