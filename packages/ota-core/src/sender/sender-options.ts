import { assert } from "../assert.ts";
import { CHUNK_HASH_SIZE, chunkCountOf } from "../messages/hash-list.ts";
import type { SenderTiming } from "../messages/timing.ts";
import { isDeviceId } from "../messages/topics.ts";
import type { DeliveryWait } from "./delivery-end.ts";
import type { CompetingOffer } from "./sender-events.ts";

/** Options of a `Sender`. */
export interface SenderOptions {
  /** The channel's `topic`. */
  readonly topicRoot: string;
  /** Id of the offer. Only reports that name it count. */
  readonly offerId: string;
  /** Epoch and sequence of the offer. */
  readonly counter: readonly [epoch: number, sequence: number];
  /** The signed offer, as it is published. */
  readonly offerEnvelope: Uint8Array;
  /** Topics of the offer: the product's, or the own topics of devices. */
  readonly offerTopics: readonly string[];
  /** The offers on topics whose devices get another part of it: a list of devices may be too long for one offer. */
  readonly offerParts?: ReadonlyMap<string, Uint8Array>;
  readonly image: {
    /** 64 hexadecimal digits. */
    readonly sha256: string;
    readonly sizeBytes: number;
    /** 16 bytes per chunk. */
    readonly hashList: Uint8Array;
  };
  /**
   * Reads an offer envelope that another publisher put on the offer topics. Returns `undefined` if devices would not trust
   * it. Without this function the delivery does not notice other offers.
   */
  readonly readOffer?: (envelope: Uint8Array) => CompetingOffer | undefined;
  /** Devices that the delivery waits for. Names take precedence over a count. Without both, it waits for those it hears. */
  readonly expected: { readonly devices?: readonly string[]; readonly count?: number };
  readonly wait: DeliveryWait;
  /** Time limit of the delivery, in milliseconds. A delivery that waits to be cancelled has none. */
  readonly timeoutMs: number;
  /** Bytes of chunk messages per second; 0 means no limit. @defaultValue 65 536 */
  readonly rate?: number;
  /** QoS of chunks. */
  readonly qos: 0 | 1;
  /** Maximum number of chunks that are published and not acknowledged. @defaultValue 32 */
  readonly window?: number;
  /** Time over which devices spread their first requests, as the offer says, in milliseconds. @defaultValue 0 */
  readonly spreadMs?: number;
  readonly timing?: Partial<SenderTiming>;
  /**
   * Joins an offer that stands on the broker, beside the publisher that made it. The sender publishes hash list and offer
   * only where the broker lost them, listens to the chunks of other publishers, and sends while they are silent.
   */
  readonly join?: {
    /** Returns a number from 0 (inclusive) to 1 (exclusive). Several that join need different ones. */
    readonly random: () => number;
  };
}

/**
 * Checks options that only a mistake of the caller can make wrong.
 *
 * @throws Error if one is.
 */
export function assertSenderOptions({ image, expected, timeoutMs, offerTopics }: SenderOptions): void {
  assert(/^[0-9a-f]{64}$/i.test(image.sha256) && image.sizeBytes > 0, "an image has a hash and a size");
  assert(offerTopics.length > 0 && timeoutMs > 0, "an offer goes somewhere, and a delivery has time");
  assert(expected.devices?.every(isDeviceId) ?? true, "expected devices have names that fit into topics");
  const count = chunkCountOf(image.sizeBytes);
  assert(image.hashList.length === count * CHUNK_HASH_SIZE, "a hash list has one hash per chunk");
}
