import {
  buildHashList,
  buildOffer,
  CHUNK_SIZE,
  type OfferDocument,
  Sender,
  type SenderOptions,
  sha256,
  toHex,
  topicsOf,
} from "@tinybms/ota-core";
import {
  APP_DESCRIPTOR_OFFSET,
  APP_DESCRIPTOR_SIZE,
  chipById,
  parseAppDescriptor,
  parseAppImageHeader,
} from "@tinybms/ota-core/esp";
import { buildEnvelope, buildRelease, type EnvelopeSignature } from "@tinybms/ota-core/signing";

/** Signs the payload of an envelope. */
export type PublicationSigner = (kind: "offer" | "release", payload: Uint8Array) => readonly EnvelopeSignature[];

/** Description of an image to publish in a simulated world. */
export interface Publication {
  /** The app image, as it is written to flash. */
  readonly image: Uint8Array;
  readonly topicRoot: string;
  readonly product: string;
  /** Version of the release; by default that of the image's app descriptor. */
  readonly version?: string | undefined;
  /**
   * Epoch and sequence of the offer.
   *
   * @defaultValue 1
   */
  readonly epoch?: number | undefined;
  readonly sequence?: number | undefined;
  /**
   * Devices that the offer is for.
   *
   * @defaultValue `"all"`
   */
  readonly target?: OfferDocument["target"] | undefined;
  /** Signs offer and release; without it they are unsigned. */
  readonly sign?: PublicationSigner | undefined;
  /** Other options of the sender. By default it waits for `confirmed` devices, for up to a week. */
  readonly sender?: Partial<SenderOptions> | undefined;
}

const WEEK_MS = 7 * 86_400_000;
const ISSUED_AT = "2026-01-01T00:00:00Z";

/**
 * Creates a `Sender` with release, offer and hash list for one image.
 *
 * @throws {@link OtaError} `image/…` for an invalid image.
 */
export function publishImage(publication: Publication): Sender {
  return new Sender(prepareSender(publication));
}

/**
 * Returns the options of the sender that {@link publishImage} creates, for callers that need many senders of one image:
 * hashing it costs more than a sender. Throws as `publishImage`.
 */
export function prepareSender(publication: Publication): SenderOptions {
  const { image, topicRoot, product, epoch = 1, sequence = 1, target = "all", sender = {} } = publication;
  const { sign = () => [] } = publication;
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
    version: publication.version ?? descriptor.version,
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
  const offerId = epoch.toString(16).padStart(16, "0") + sequence.toString(16).padStart(16, "0");
  const offer = buildOffer({
    offer: 1,
    id: offerId,
    topic_root: topicRoot,
    epoch,
    sequence,
    issued_at: ISSUED_AT,
    release: { payload: release, signatures: sign("release", release) },
    chunk_encodings: ["identity"],
    target,
  });
  return {
    topicRoot,
    offerId,
    counter: [epoch, sequence],
    offerEnvelope: buildEnvelope(offer, sign("offer", offer)),
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
