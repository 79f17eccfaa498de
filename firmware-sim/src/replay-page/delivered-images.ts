import {
  chunkSizeAt,
  type HashList,
  imageIdOf,
  isOtaError,
  parseHashList,
  parseOffer,
  parseTopic,
  sha256,
  toHex,
} from "@tinybms/ota-core";
import { PartitionType } from "@tinybms/ota-core/esp";
import { parseEnvelope, parseRelease } from "@tinybms/ota-core/signing";
import { partitionsOf } from "../device/device-partitions.ts";
import type { NorFlash } from "../flash/nor-flash.ts";
import { SECTOR_SIZE } from "../flash/sector-store.ts";
import { isErased, type KnownImages } from "./known-images.ts";

/** Images that are remembered. The one that was offered or listed longest ago is forgotten first. */
const IMAGES_MAX = 8;

interface OfferedImage {
  readonly sizeBytes: number;
  readonly hashListSha256: string;
  list: HashList | undefined;
}

/**
 * Tells images by what the devices of a run received: a sector is of the new image if its hash stands in the hash list of
 * an offered image, and of the old one if it stood at this place of a slot when the run began.
 */
export class DeliveredImages implements KnownImages {
  readonly #old: Set<string> = new Set();
  readonly #offered: Map<string, OfferedImage> = new Map();
  readonly #topicRoots: ReadonlySet<string>;

  /** @param topicRoots - Topics of the channels. */
  constructor(topicRoots: ReadonlySet<string>) {
    this.#topicRoots = topicRoots;
  }

  /** Adds what stands in the slots for apps of a flash as the old image. */
  addOld(flash: NorFlash): void {
    for (const { type, offset, size } of partitionsOf(flash)) {
      if (type !== PartitionType.APP) continue;
      for (let from = 0; from < size; from += SECTOR_SIZE) {
        const bytes = flash.truth(offset + from, SECTOR_SIZE);
        if (!isErased(bytes)) this.#old.add(keyOf(bytes, from));
      }
    }
  }

  /** Takes a message that a device received. */
  addMessage(topic: string, payload: Uint8Array): void {
    const parsed = [...this.#topicRoots].map((root) => parseTopic(root, topic)).find((it) => it !== undefined);
    if (parsed?.kind === "offer" || parsed?.kind === "device-offer") this.#addOffer(payload);
    if (parsed?.kind === "hashes") this.#addHashList(parsed.image, payload);
  }

  contentOf(bytes: Uint8Array, from: number): ReturnType<KnownImages["contentOf"]> {
    const index = from / SECTOR_SIZE;
    for (const { sizeBytes, list } of this.#offered.values()) {
      const size = chunkSizeAt(index, sizeBytes);
      if (list?.matches(index, bytes.subarray(0, size)) === true && isErased(bytes.subarray(size))) return "new image";
    }
    return this.#old.has(keyOf(bytes, from)) ? "old image" : undefined;
  }

  #addOffer(payload: Uint8Array): void {
    const release = readable(() => parseOffer(parseEnvelope(payload).payload).release);
    const image = release && readable(() => parseRelease(release.payload).image);
    if (image === undefined || image === null) return;
    const id = imageIdOf(image.sha256);
    const known = this.#offered.get(id);
    this.#offered.delete(id);
    const { size: sizeBytes, hash_list_sha256: hashListSha256 } = image;
    this.#offered.set(id, { sizeBytes, hashListSha256, list: known?.list });
    const [oldest] = this.#offered.keys();
    if (this.#offered.size > IMAGES_MAX && oldest !== undefined) this.#offered.delete(oldest);
  }

  #addHashList(id: string, payload: Uint8Array): void {
    const image = this.#offered.get(id);
    if (image === undefined || image.list !== undefined) return;
    image.list = readable(() => parseHashList(payload, image.sizeBytes, image.hashListSha256));
  }
}

function keyOf(bytes: Uint8Array, from: number): string {
  return `${from} ${toHex(sha256(bytes))}`;
}

/** Returns the result of a parser, or `undefined` if the message is not valid. */
function readable<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (isOtaError(error)) return undefined;
    throw error;
  }
}
