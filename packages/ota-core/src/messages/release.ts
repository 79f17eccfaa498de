import type { Release } from "../schemas/types.generated.ts";
import { validateRelease } from "../schemas/validators.generated.ts";
import { buildMessage, type Immutable, type MessageKind, parseMessage } from "./json-message.ts";
import { MESSAGE_SIZE_MAX } from "./topics.ts";

const RELEASE: MessageKind<Release> = { name: "release", sizeMax: MESSAGE_SIZE_MAX.offer, validate: validateRelease };

/**
 * Reads the payload of a release envelope: what an image is.
 *
 * @throws OtaError `protocol/too-large` or `protocol/malformed`.
 */
export function parseRelease(payload: Uint8Array): Release {
  return parseMessage(payload, RELEASE);
}

/**
 * The payload of a release envelope.
 *
 * @throws OtaError `protocol/malformed` where no device would take it.
 */
export function buildRelease(release: Immutable<Release>): Uint8Array {
  return buildMessage(release, RELEASE);
}
