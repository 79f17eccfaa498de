import { decodeUtf8, toHex, utf8 } from "../bytes.ts";
import { OtaError } from "../errors.ts";

/**
 * Maximum payload of each kind of JSON message, in bytes. A device with one buffer for a chunk message has room for every
 * envelope.
 *
 * @see docs/protocol.md, "Topics".
 */
export const MESSAGE_SIZE_MAX: Readonly<Record<"keys" | "offer" | "request" | "state", number>> = {
  keys: 4096,
  offer: 4096,
  request: 1024,
  state: 1024,
};

/**
 * Maximum size of a signed release in bytes. An offer that contains a release of this size has room for a signature of
 * one ECDSA key.
 */
export const RELEASE_SIZE_MAX = 2560;

/** Maximum size of a topic in bytes of UTF-8. */
export const TOPIC_SIZE_MAX = 128;

/** Maximum length of a device name in characters. */
const DEVICE_ID_SIZE_MAX = 64;

/** Maximum size of the part of a topic below the root, in bytes. */
const LONGEST_TAIL_SIZE: number = "/v1/device//request".length + DEVICE_ID_SIZE_MAX;

const DEVICE_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const IMAGE_ID = /^[0-9a-f]{32}$/;
const EPOCH = /^[1-9][0-9]{0,9}$/;
const EPOCH_MAX = 2_147_483_647;

/** Wildcards (MQTT 5 section 4.7.1) and control characters, for which brokers may close the connection (1.5.4). */
const FORBIDDEN_IN_ROOT = /[+#\p{Cc}]/u;

/**
 * The topics below one root. The functions throw `protocol/topic-invalid` for an argument that can't be part of a
 * topic.
 */
export interface Topics {
  /** Offers to every device of the product. */
  readonly offer: string;
  /** Filter of all key sets. */
  readonly keysFilter: string;
  /** Filter of all devices' requests. */
  readonly requestFilter: string;
  /** Filter of all devices' state reports. */
  readonly stateFilter: string;
  /** Filter of the offers to single devices. */
  readonly deviceOfferFilter: string;
  /** Filter of all hash lists. */
  readonly hashesFilter: string;
  /** Filter of the chunks for single devices. */
  readonly deviceChunkFilter: string;
  /** Offers to one device. */
  deviceOffer(device: string): string;
  /** Returns the key set of one epoch. */
  keys(epoch: number): string;
  /** Returns the hash list of an image. */
  hashes(image: string): string;
  /** Chunks for every device that downloads the image. */
  imageChunk(image: string): string;
  /** Chunks for one device. */
  deviceChunk(device: string): string;
  request(device: string): string;
  state(device: string): string;
}

/** The meaning of a topic and the names in it. */
export type ParsedTopic =
  | { readonly kind: "keys"; readonly epoch: number }
  | { readonly kind: "offer" }
  | { readonly kind: "device-offer"; readonly device: string }
  | { readonly kind: "hashes"; readonly image: string }
  | { readonly kind: "image-chunk"; readonly image: string }
  | { readonly kind: "device-chunk"; readonly device: string }
  | { readonly kind: "request"; readonly device: string }
  | { readonly kind: "state"; readonly device: string };

/** Returns `true` if a text is a valid device name: 1 to 64 of `[A-Za-z0-9._-]`, the first a letter or digit. */
export function isDeviceId(text: string): boolean {
  return DEVICE_ID.test(text);
}

/**
 * Returns `true` if a text is a valid topic root: valid in MQTT (section 4.7), without wildcards and control
 * characters, without a leading `$` (reserved for servers), and short enough for the topics of a device with the
 * longest name.
 */
export function isTopicRoot(text: string): boolean {
  if (text === "" || text.length > TOPIC_SIZE_MAX || text.startsWith("$") || FORBIDDEN_IN_ROOT.test(text)) return false;
  const bytes = utf8(text);
  // UTF-8 can't encode a lone surrogate: another character would be sent instead.
  return bytes.length + LONGEST_TAIL_SIZE <= TOPIC_SIZE_MAX && decodeUtf8(bytes) === text;
}

/**
 * Returns the id of an image in topics, requests and reports.
 *
 * @param sha256 - SHA-256 of the whole image: 32 bytes, or 64 hexadecimal digits of either case.
 * @returns Its first 16 bytes as 32 lower-case hexadecimal digits.
 */
export function imageIdOf(sha256: Uint8Array | string): string {
  return (typeof sha256 === "string" ? sha256.toLowerCase() : toHex(sha256)).slice(0, 32);
}

/**
 * Returns the topics below a root.
 *
 * @param root - The channel's `topic`.
 * @throws {@link OtaError} `protocol/topic-invalid` if {@link isTopicRoot} returns `false`.
 */
export function topicsOf(root: string): Topics {
  if (!isTopicRoot(root)) {
    const sizeMax = TOPIC_SIZE_MAX - LONGEST_TAIL_SIZE;
    throw new OtaError(
      "protocol/topic-invalid",
      `${JSON.stringify(root)} is not a valid topic root; it must be 1 to ${sizeMax} bytes without +, # and control characters, and not begin with $`,
      { topic: root },
    );
  }
  const base = `${root}/v1`;
  const ofDevice = (device: string, leaf: string): string => `${base}/device/${checkedDevice(device)}/${leaf}`;
  const ofImage = (image: string, leaf: string): string => `${base}/image/${checkedImage(image)}/${leaf}`;
  return {
    offer: `${base}/offer`,
    keysFilter: `${base}/keys/+`,
    requestFilter: `${base}/device/+/request`,
    stateFilter: `${base}/device/+/state`,
    deviceOfferFilter: `${base}/device/+/offer`,
    hashesFilter: `${base}/image/+/hashes`,
    deviceChunkFilter: `${base}/device/+/chunk`,
    deviceOffer: (device) => ofDevice(device, "offer"),
    keys: (epoch) => `${base}/keys/${checkedEpoch(epoch)}`,
    hashes: (image) => ofImage(image, "hashes"),
    imageChunk: (image) => ofImage(image, "chunk"),
    deviceChunk: (device) => ofDevice(device, "chunk"),
    request: (device) => ofDevice(device, "request"),
    state: (device) => ofDevice(device, "state"),
  };
}

/**
 * Parses the topic of a received message.
 *
 * @param root - The channel's `topic`.
 * @param topic - Any text.
 * @returns The meaning of the topic, or `undefined` if it is not a topic of the protocol below this root.
 */
export function parseTopic(root: string, topic: string): ParsedTopic | undefined {
  if (!topic.startsWith(`${root}/v1/`)) return undefined;
  const levels = topic.slice(root.length + "/v1/".length).split("/");
  const [group = "", name = "", leaf = ""] = levels;
  if (levels.length === 1) return group === "offer" ? { kind: "offer" } : undefined;
  if (levels.length === 2) return group === "keys" ? parseKeysTopic(name) : undefined;
  if (levels.length !== 3) return undefined;
  if (group === "image") return parseImageTopic(name, leaf);
  return group === "device" ? parseDeviceTopic(name, leaf) : undefined;
}

function parseKeysTopic(name: string): ParsedTopic | undefined {
  return EPOCH.test(name) && Number(name) <= EPOCH_MAX ? { kind: "keys", epoch: Number(name) } : undefined;
}

function parseImageTopic(image: string, leaf: string): ParsedTopic | undefined {
  if (!IMAGE_ID.test(image)) return undefined;
  if (leaf === "hashes") return { kind: "hashes", image };
  return leaf === "chunk" ? { kind: "image-chunk", image } : undefined;
}

function parseDeviceTopic(device: string, leaf: string): ParsedTopic | undefined {
  if (!isDeviceId(device)) return undefined;
  if (leaf === "request" || leaf === "state") return { kind: leaf, device };
  if (leaf === "offer") return { kind: "device-offer", device };
  return leaf === "chunk" ? { kind: "device-chunk", device } : undefined;
}

function checkedDevice(device: string): string {
  if (isDeviceId(device)) return device;
  throw invalidLevel(
    device,
    "a device's name must be 1 to 64 of A-Z, a-z, 0-9, dot, underscore and hyphen, the first a letter or digit",
  );
}

function checkedImage(image: string): string {
  if (IMAGE_ID.test(image)) return image;
  throw invalidLevel(image, "the id of an image is 32 lower-case hexadecimal digits");
}

function checkedEpoch(epoch: number): number {
  if (Number.isInteger(epoch) && epoch >= 1 && epoch <= EPOCH_MAX) return epoch;
  throw invalidLevel(String(epoch), `an epoch must be an integer from 1 to ${EPOCH_MAX}`);
}

function invalidLevel(level: string, rule: string): OtaError<"protocol/topic-invalid"> {
  return new OtaError("protocol/topic-invalid", `${JSON.stringify(level)} can't be part of a topic: ${rule}`, {
    topic: level,
  });
}
