import {
  buildHashList,
  buildOffer,
  CHUNK_SIZE,
  type OfferDocument,
  Sender,
  type SenderAction,
  type SenderEvent,
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
  /**
   * Time over which devices spread their first requests, in milliseconds.
   *
   * @defaultValue no spread
   */
  readonly spreadMs?: number | undefined;
  /** When devices restart into the image, by default at once, and how long it may take to prove itself. */
  readonly install?:
    | Pick<OfferDocument, "install_after" | "between" | "restart_spread_ms" | "probation_ms" | "critical">
    | undefined;
  /** Signs offer and release; without it they are unsigned. */
  readonly sign?: PublicationSigner | undefined;
  /** Other options of the sender. By default it waits for `confirmed` devices, for up to a week. */
  readonly sender?: Partial<SenderOptions> | undefined;
}

/** Options of an {@link ImagePublisher}: those of a sender, and the bytes of the image. */
export interface ImagePublisherOptions extends SenderOptions {
  readonly image: SenderOptions["image"] & { readonly bytes: Uint8Array };
}

/** A `Sender` of an image in memory: it reads the chunks that the sender asks for. */
export class ImagePublisher {
  readonly #sender: Sender;
  readonly #bytes: Uint8Array;

  constructor(options: ImagePublisherOptions) {
    this.#sender = new Sender(options);
    this.#bytes = options.image.bytes;
  }

  /** Takes one event of a sender, and returns its actions apart from `read-chunk`. */
  handle(event: SenderEvent): Exclude<SenderAction, { type: "read-chunk" }>[] {
    return this.#sender.handle(event).flatMap((action) => {
      if (action.type !== "read-chunk") return [action];
      const bytes = this.#bytes.subarray(action.index * CHUNK_SIZE, (action.index + 1) * CHUNK_SIZE);
      return this.handle({ type: "chunk-read", now: event.now, id: action.id, bytes });
    });
  }
}

const WEEK_MS = 7 * 86_400_000;
const ISSUED_AT = "2026-01-01T00:00:00Z";

/**
 * Creates a publisher with release, offer and hash list for one image.
 *
 * @throws {@link OtaError} `image/…` for an invalid image.
 */
export function publishImage(publication: Publication): ImagePublisher {
  return new ImagePublisher(prepareSender(publication));
}

/**
 * Returns the options of the sender that {@link publishImage} creates, for callers that need many senders of one image:
 * hashing it costs more than a sender. Throws as `publishImage`.
 */
export function prepareSender(publication: Publication): ImagePublisherOptions {
  const { image, topicRoot, product, epoch = 1, sequence = 1, target = "all", sender = {} } = publication;
  const { sign = () => [], spreadMs } = publication;
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
    ...(spreadMs === undefined ? {} : { spread_ms: spreadMs }),
    ...publication.install,
  });
  return {
    topicRoot,
    offerId,
    counter: [epoch, sequence],
    offerEnvelope: buildEnvelope(offer, sign("offer", offer)),
    offerTopics: [topicsOf(topicRoot).offer],
    expected: {},
    wait: "confirmed",
    timeoutMs: WEEK_MS,
    rate: 0,
    qos: 1,
    ...sender,
    image: { sha256: imageSha256, sizeBytes: image.length, hashList, bytes: image, ...sender.image },
  };
}
