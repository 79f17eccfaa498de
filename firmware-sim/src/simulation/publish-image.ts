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

/** Signs what an envelope holds. */
export type PublicationSigner = (kind: "offer" | "release", payload: Uint8Array) => readonly EnvelopeSignature[];

/** An image to publish in a simulated world. */
export interface Publication {
  /** The app image, as it is to stand in flash. */
  readonly image: Uint8Array;
  readonly topicRoot: string;
  readonly product: string;
  /** Version of the release; that of the image's app descriptor without it. */
  readonly version?: string;
  /** Epoch and number of the offer; 1 without them. */
  readonly epoch?: number;
  readonly sequence?: number;
  /** Whom it is for; all devices of the product without it. */
  readonly target?: OfferDocument["target"];
  /** Without it offer and release are unsigned. */
  readonly sign?: PublicationSigner;
  /** What else the sender is told; it waits for `confirmed` devices, and for a week, without it. */
  readonly sender?: Partial<SenderOptions>;
}

const WEEK_MS = 7 * 86_400_000;
const ISSUED_AT = "2026-01-01T00:00:00Z";

/**
 * A `Sender` with release, offer and hash list for one image.
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
