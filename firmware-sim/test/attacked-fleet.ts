import {
  buildChunk,
  buildHashList,
  buildOffer,
  buildRequest,
  buildStateReport,
  imageIdOf,
  type OfferDocument,
  type SenderOptions,
  sha256,
  toHex,
  topicsOf,
} from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import {
  buildEnvelope,
  type EnvelopeSignature,
  readKeySet,
  type TrustedKeys,
  verifySignature,
} from "@tinybms/ota-core/signing";
import { type ImagePublisherOptions, prepareSender } from "../src/simulation/publish-image.ts";
import type { Armoury } from "./hostile-broker.ts";
import { createFleetKey, createFleetKeys, type FleetKey, sealKeySet, signerOf } from "./signed-fleet.ts";

export const TOPIC_ROOT = "tinybms/gateway/ota";
const OTHER_ROOT = "tinybms/meter/ota";
export const PRODUCT = "TinyBMS Web Gateway";
export const DEVICES = ["bench-1", "bench-2"] as const;
const CHUNK = 4096;
const HIGHEST = 2_147_483_647;

/** An image: of an earlier release, of the current one, or of an attacker. */
export interface FleetImage {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
  /** Its chunks as messages. */
  readonly chunks: readonly Uint8Array[];
}

function fleetImage(name: string, seed: number): FleetImage {
  const bytes = buildAppImage({ version: name, sizeBytes: 2 * CHUNK - 700, seed });
  const hash = toHex(sha256(bytes));
  const chunks = Array.from({ length: Math.ceil(bytes.length / CHUNK) }, (_, index) => {
    return buildChunk({ image: imageIdOf(hash), index, bytes: bytes.subarray(index * CHUNK, (index + 1) * CHUNK) });
  });
  return { name, bytes, sha256: hash, chunks };
}

/** An earlier offer, and the devices that may accept it: its targets, as long as they are in its epoch. */
export interface PastOffer {
  readonly envelope: Uint8Array;
  readonly image: FleetImage;
  readonly epoch: number;
  readonly sequence: number;
  /** Devices that may accept it; empty for a forgery. */
  readonly allowed: readonly string[];
}

/** History of the fleet before the attack, and the offer that is valid during it. */
export interface AttackedFleet {
  readonly factory: FleetImage;
  /** Offer of the honest publisher during the attack, under the third key set. */
  readonly final: ImagePublisherOptions;
  readonly finalImage: FleetImage;
  readonly keySet: TrustedKeys;
  readonly laterKeySets: readonly Uint8Array[];
  readonly offers: readonly PastOffer[];
  readonly armoury: Armoury;
}

type Target = OfferDocument["target"];

export function createAttackedFleet(): AttackedFleet {
  const keys = createFleetKeys(PRODUCT);
  const stranger = createFleetKey();
  const [factory, second, third, onlyForTwo, finalImage, evil] = [
    fleetImage("1.0.0", 1),
    fleetImage("2.0.0", 2),
    fleetImage("3.0.0", 3),
    fleetImage("2.5.0-two", 4),
    fleetImage("4.0.0", 5),
    fleetImage("6.6.6", 6),
  ] as const;
  const prepare = (
    image: FleetImage,
    epoch: number,
    sequence: number,
    target: Target,
    offer: FleetKey,
    { release = keys.release, topicRoot = TOPIC_ROOT, product = PRODUCT } = {},
  ): ImagePublisherOptions => {
    const sign = signerOf({ release, offer });
    return prepareSender({ image: image.bytes, topicRoot, product, epoch, sequence, target, sign });
  };
  const past = (
    image: FleetImage,
    allowed: readonly string[],
    ...how: Parameters<typeof prepare> extends [FleetImage, ...infer Rest] ? Rest : never
  ): PastOffer => {
    const [epoch, sequence] = how;
    return { image, allowed, epoch, sequence, envelope: prepare(image, ...how).offerEnvelope };
  };
  const { offer: stolen, nextOffer } = keys;
  const two: Target = { devices: [DEVICES[1]] };
  const final = prepare(finalImage, 3, 5, "all", nextOffer);
  const offers: readonly PastOffer[] = [
    past(second, DEVICES, 1, 1, "all", stolen),
    past(onlyForTwo, [DEVICES[1]], 1, 2, two, stolen),
    past(third, DEVICES, 1, 3, "all", stolen),
    past(second, DEVICES, 1, 4, { devices: [...DEVICES] }, stolen),
    // By the thief of the first offer key, while that key is trusted: any signed release, under any sequence.
    past(factory, DEVICES, 1, 7, "all", stolen),
    past(second, DEVICES, 1, HIGHEST, "all", stolen),
    // The same sequence as another offer.
    past(third, DEVICES, 1, 4, "all", stolen),
    past(third, [DEVICES[0]], 2, 1, { devices: [DEVICES[0]] }, nextOffer),
    past(second, DEVICES, 2, 2, "all", nextOffer),
    past(third, DEVICES, 3, 4, "all", nextOffer),
    { image: finalImage, allowed: DEVICES, epoch: 3, sequence: 5, envelope: final.offerEnvelope },
    // Forgeries.
    past(evil, [], 3, 9, "all", stranger, { release: stranger }),
    past(evil, [], 3, 9, "all", nextOffer, { release: stranger }),
    past(evil, [], 1, 9, "all", stolen, { release: stolen }),
    past(evil, [], 3, 9, "all", stranger),
    past(evil, [], 3, 9, "all", stolen),
    past(evil, [], 2, 9, "all", stolen),
    past(evil, [], 3, 9, "all", nextOffer, { topicRoot: OTHER_ROOT }),
    past(evil, [], 3, 9, "all", nextOffer, { product: "Another Product" }),
    past(evil, [], 3, 9, { devices: ["bench-3"] }, nextOffer),
    past(evil, [], 4, 1, "all", nextOffer),
    { ...past(evil, [], 3, 9, "all", nextOffer), envelope: unsigned(prepare(evil, 3, 9, "all", nextOffer)) },
  ];
  const [first, ...laterKeySets] = keys.keySets;
  const keySet = readKeySet(first, verifySignature);
  const forgedKeySets = [
    sealKeySet({ ...keySet.document, epoch: 2, revoked: [keys.root.keyid] }, stranger),
    sealKeySet({ ...keySet.document, epoch: 2 }, stolen),
    sealKeySet({ ...keySet.document, epoch: 9 }, keys.root),
    sealKeySet({ ...keySet.document, epoch: 2, product: "Another Product" }, keys.root),
  ];
  const withdrawals = [
    withdrawal(1, 5, "all", [stolen]),
    withdrawal(2, 3, two, [nextOffer]),
    withdrawal(3, 9, "all", []),
    withdrawal(3, 9, "all", [stranger]),
  ];
  const images = [factory, second, third, onlyForTwo, finalImage, evil];
  const envelopes = [...offers.map(({ envelope }) => envelope), ...keys.keySets, ...forgedKeySets, ...withdrawals];
  return {
    factory,
    final,
    finalImage,
    keySet,
    laterKeySets,
    offers,
    armoury: {
      topicRoot: TOPIC_ROOT,
      topics: topicsOfFleet(images),
      offerTopics: [topicsOf(TOPIC_ROOT).offer, ...DEVICES.map((device) => topicsOf(TOPIC_ROOT).deviceOffer(device))],
      envelopes,
      payloads: [...envelopes, ...images.flatMap(({ chunks }) => chunks), ...lies(images), new Uint8Array(0)],
      images: new Map(
        images.map(({ bytes, sha256: hash, chunks }) => [imageIdOf(hash), { hashes: buildHashList(bytes), chunks }]),
      ),
    },
  };
}

function unsigned({ offerEnvelope }: SenderOptions): Uint8Array {
  const { payload } = JSON.parse(new TextDecoder().decode(offerEnvelope)) as { payload: string };
  return buildEnvelope(Uint8Array.from(Buffer.from(payload, "base64")));
}

function withdrawal(epoch: number, sequence: number, target: Target, signers: readonly FleetKey[]): Uint8Array {
  const payload = buildOffer({
    offer: 1,
    id: `dd${epoch}${sequence}`.padEnd(32, "0"),
    topic_root: TOPIC_ROOT,
    epoch,
    sequence,
    issued_at: "2026-01-04T00:00:00Z",
    release: null,
    chunk_encodings: ["identity"],
    target,
  });
  const signatures: EnvelopeSignature[] = signers.flatMap((offer) => [
    ...signerOf({ offer, release: offer })("offer", payload),
  ]);
  return buildEnvelope(payload, signatures);
}

function topicsOfFleet(images: readonly FleetImage[]): readonly string[] {
  const topics = topicsOf(TOPIC_ROOT);
  const ofImages = images.flatMap(({ sha256: hash }) => [
    topics.hashes(imageIdOf(hash)),
    topics.imageChunk(imageIdOf(hash)),
  ]);
  const ofDevices = DEVICES.flatMap((device) => [
    ...[topics.deviceOffer(device), topics.deviceChunk(device)],
    ...[topics.request(device), topics.state(device)],
  ]);
  return [
    topics.offer,
    topicsOf(OTHER_ROOT).offer,
    ...ofDevices,
    ...ofImages,
    topics.keys(2),
    topics.keys(3),
    topics.keys(4),
    topics.keys(9),
  ];
}

/** Returns reports and requests that no device sent. */
function lies(images: readonly FleetImage[]): readonly Uint8Array[] {
  return images.flatMap(({ sha256: hash, name, bytes }) => [
    buildHashList(bytes),
    buildRequest({
      protocol: 1,
      image: imageIdOf(hash),
      missing: [[0, 2]],
      missing_count: 2,
      window: 0,
      unicast: false,
    }),
    buildStateReport({
      protocol: 1,
      device: DEVICES[0],
      state: "confirmed",
      offer: "00000000000000030000000000000005",
      image: imageIdOf(hash),
      version: name,
      slot: "ota_1",
      running_sha256: hash,
      received: 0,
      total: 0,
      accepted: [HIGHEST, HIGHEST],
      rollback: true,
      clock: true,
      online: true,
      boot_count: 1,
    }),
  ]);
}
