import { toHex } from "../src/bytes.ts";
import { parseAppImage } from "../src/image/app-image-scanner.ts";
import { buildEnvelope, parseEnvelope } from "../src/messages/envelope.ts";
import { buildHashList } from "../src/messages/hash-list.ts";
import { buildOffer, type OfferDocument } from "../src/messages/offer.ts";
import { buildRelease } from "../src/messages/release.ts";
import { CHUNK_SIZE } from "../src/messages/timing.ts";
import { imageIdOf } from "../src/messages/topics.ts";
import type { Release } from "../src/schemas/types.generated.ts";
import { sha256 } from "../src/sha256.ts";

export const PRODUCT = "Bench Product";
export const TOPIC_ROOT = "bench/ota";

/** A release of an image, as `package` and `deploy` describe it. */
export function releaseOf(image: Uint8Array, changes: Partial<Release> = {}): Release {
  const { header, descriptor } = parseAppImage(image);
  return {
    release: 1,
    product: PRODUCT,
    hardware: "esp32",
    version: descriptor?.version ?? "",
    created_at: "2026-01-01T00:00:00Z",
    image: {
      sha256: toHex(sha256(image)),
      size: image.length,
      chunk_size: CHUNK_SIZE,
      hash_list_sha256: toHex(sha256(buildHashList(image))),
      secure_version: descriptor?.secureVersion ?? 0,
      chip_id: header.chipId,
    },
    ...changes,
  };
}

/** The payload of an unsigned offer envelope. */
export function offerOf(release: Release | null, changes: Partial<OfferDocument> = {}): Uint8Array {
  return buildEnvelope(
    buildOffer({
      offer: 1,
      id: "00112233445566778899aabbccddeeff",
      topic_root: TOPIC_ROOT,
      epoch: 1,
      sequence: 1,
      issued_at: "2026-01-01T00:00:00Z",
      release: release === null ? null : parseEnvelope(buildEnvelope(buildRelease(release))),
      chunk_encodings: ["identity"],
      target: "all",
      spread_ms: 0,
      ...changes,
    }),
  );
}

export function imageIdOfBytes(image: Uint8Array): string {
  return imageIdOf(sha256(image));
}
