import {
  APP_DESCRIPTOR_OFFSET,
  APP_DESCRIPTOR_SIZE,
  buildEnvelope,
  buildHashList,
  buildOffer,
  buildRelease,
  CHUNK_SIZE,
  chipById,
  parseAppDescriptor,
  parseAppImageHeader,
  Sender,
  type SenderOptions,
  sha256,
  toHex,
  topicsOf,
} from "@tinybms/ota-core";

/** An image to publish in a simulated world, unsigned. */
export interface Publication {
  /** The app image, as it is to stand in flash. */
  readonly image: Uint8Array;
  readonly topicRoot: string;
  readonly product: string;
  /** Number of the offer; 1 without it. */
  readonly sequence?: number;
  /** What else the sender is told; it waits for `confirmed` devices, and for a week, without it. */
  readonly sender?: Partial<SenderOptions>;
}

const WEEK_MS = 7 * 86_400_000;
const ISSUED_AT = "2026-01-01T00:00:00Z";

/**
 * A `Sender` with release, offer and hash list for one image, for every device of the product.
 *
 * @throws OtaError `image/…` if the image isn't one.
 */
export function publishImage(publication: Publication): Sender {
  return new Sender(prepareSender(publication));
}

/**
 * What {@link publishImage} makes its sender with: for who needs many senders of one image, since hashing it costs more
 * than a sender. Errors as there.
 */
export function prepareSender({ image, topicRoot, product, sequence = 1, sender = {} }: Publication): SenderOptions {
  const { chipId } = parseAppImageHeader(image);
  const descriptor = parseAppDescriptor(
    image.subarray(APP_DESCRIPTOR_OFFSET, APP_DESCRIPTOR_OFFSET + APP_DESCRIPTOR_SIZE),
  );
  const hashList = buildHashList(image);
  const imageSha256 = toHex(sha256(image));
  const release = buildRelease({
    release: 1,
    product,
    hardware: chipById(chipId)?.name ?? "esp32",
    version: descriptor.version,
    created_at: ISSUED_AT,
    image: {
      sha256: imageSha256,
      size: image.length,
      chunk_size: CHUNK_SIZE,
      hash_list_sha256: toHex(sha256(hashList)),
      secure_version: descriptor.secureVersion,
      chip_id: chipId,
    },
  });
  const offerId = sequence.toString(16).padStart(32, "0");
  const offer = buildOffer({
    offer: 1,
    id: offerId,
    topic_root: topicRoot,
    epoch: 1,
    sequence,
    issued_at: ISSUED_AT,
    release: { payload: release, signatures: [] },
    chunk_encodings: ["identity"],
    target: "all",
  });
  return {
    topicRoot,
    offerId,
    offerEnvelope: buildEnvelope(offer),
    offerTopics: [topicsOf(topicRoot).offer],
    image: { sha256: imageSha256, sizeBytes: image.length, hashList },
    readChunk: (index) => image.subarray(index * CHUNK_SIZE, (index + 1) * CHUNK_SIZE),
    expected: {},
    wait: "confirmed",
    timeoutMs: WEEK_MS,
    rate: 0,
    qos: 1,
    ...sender,
  };
}
