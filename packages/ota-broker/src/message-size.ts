import { CHUNK_HASH_SIZE, CHUNK_HEADER_SIZE, CHUNK_SIZE, MESSAGE_SIZE_MAX, type ParsedTopic } from "@tinybms/ota-core";
import { findTopic } from "./find-topic.ts";

/** The largest image that a message may carry whole, in bytes: as much as the flash of nearly every module. */
export const BLOB_SIZE_MAX: number = 16 * 1024 * 1024;

/** The largest image that a hash list may be of, in bytes: the largest flash that ESP-IDF maps. */
const IMAGE_SIZE_MAX = 32 * 1024 * 1024;

/** The largest payload on a topic that is none of the protocol's, in bytes. */
const OTHER_SIZE_MAX = 64 * 1024;

/** The largest payload on each topic, in bytes, as the topics table of docs/protocol.md says. */
const SIZE_MAX: Readonly<Record<ParsedTopic["kind"], number>> = {
  keys: MESSAGE_SIZE_MAX.keys,
  offer: MESSAGE_SIZE_MAX.offer,
  "device-offer": MESSAGE_SIZE_MAX.offer,
  hashes: (IMAGE_SIZE_MAX / CHUNK_SIZE) * CHUNK_HASH_SIZE,
  "image-chunk": CHUNK_HEADER_SIZE + CHUNK_SIZE,
  "device-chunk": CHUNK_HEADER_SIZE + CHUNK_SIZE,
  request: MESSAGE_SIZE_MAX.request,
  state: MESSAGE_SIZE_MAX.state,
};

/** On which topics whole images may come. */
export interface BlobTopics {
  /** The channels' topics; `"any"` for every topic that is none of the protocol's. */
  readonly topics: readonly string[] | "any";
  /** The largest of them, in bytes. */
  readonly sizeMax: number;
}

/**
 * Returns the maximum payload on a topic in bytes.
 *
 * @param topic - `undefined` for a topic that is not valid in the protocol.
 * @param blob - Without it no message is as large as an image.
 */
export function messageSizeMax(topic: string | undefined, blob?: BlobTopics): number {
  if (topic === undefined) return OTHER_SIZE_MAX;
  const parsed = findTopic(topic, undefined);
  if (parsed !== undefined) return SIZE_MAX[parsed.kind];
  if (blob !== undefined && (blob.topics === "any" || blob.topics.includes(topic))) return blob.sizeMax;
  return OTHER_SIZE_MAX;
}
