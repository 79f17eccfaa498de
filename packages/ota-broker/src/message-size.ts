import { CHUNK_HASH_SIZE, CHUNK_HEADER_SIZE, CHUNK_SIZE, MESSAGE_SIZE_MAX, type ParsedTopic } from "@tinybms/ota-core";
import { findTopic } from "./find-topic.ts";

/** Maximum size of an image in a single message, in bytes: the flash size of nearly every module. */
export const BLOB_SIZE_MAX: number = 16 * 1024 * 1024;

/** Maximum size of an image with a hash list, in bytes: the maximum of a release. */
const IMAGE_SIZE_MAX = 128 * 1024 * 1024;

/** Maximum payload on a topic outside the protocol, in bytes. */
const OTHER_SIZE_MAX = 64 * 1024;

/** Maximum payload on each topic, in bytes, as in the topics table of docs/protocol.md. */
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

/** Topics on which whole images are accepted. */
export interface BlobTopics {
  /** Topics of the channels; `"any"` for every topic outside the protocol. */
  readonly topics: readonly string[] | "any";
  /** Maximum size of an image, in bytes. */
  readonly sizeMax: number;
}

/**
 * Returns the maximum payload on a topic in bytes.
 *
 * @param topic - Topic; `undefined` if it is empty, too long or not UTF-8.
 * @param blob - Topics for whole images; by default none.
 */
export function messageSizeMax(topic: string | undefined, blob?: BlobTopics): number {
  if (topic === undefined) return OTHER_SIZE_MAX;
  const parsed = findTopic(topic, undefined);
  if (parsed !== undefined) return SIZE_MAX[parsed.kind];
  if (blob !== undefined && (blob.topics === "any" || blob.topics.includes(topic))) return blob.sizeMax;
  return OTHER_SIZE_MAX;
}
