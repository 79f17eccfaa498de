import { isOtaError, MESSAGE_SIZE_MAX, OtaError } from "@tinybms/ota-core";
import { buildEnvelope } from "@tinybms/ota-core/signing";
import { type OfferTarget, offerTopicsOf, TARGET_DEVICES_MAX } from "../offer-payload.ts";
import { type OfferSigning, sealOffer } from "../signing/offer-signing.ts";

type NamedTarget = Extract<OfferTarget, { readonly devices: unknown }>;

const HINT =
  "an ECDSA P-256 key has the smallest signatures; sign the release and the offer with it, or with fewer keys";

/**
 * Signs an offer for its devices. A list of devices that is too long for one offer is halved until each part fits: the parts
 * have the same id and number, and each device gets one of them.
 *
 * @param payloadFor - Builds the payload for a target.
 * @returns The envelope for each offer topic.
 * @throws {@link OtaError} `protocol/too-large` if the offer is too large even for one device, or for all.
 * @throws {@link OtaError} `signing/…` as {@link sealOffer}.
 */
export async function sealOfferParts(
  topicRoot: string,
  target: OfferTarget,
  payloadFor: (part: OfferTarget) => Uint8Array,
  signing: OfferSigning,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const named = target !== "all" && "devices" in target ? target : undefined;
  if (named !== undefined && named.devices.length > TARGET_DEVICES_MAX) {
    return sealHalves(topicRoot, named, payloadFor, signing);
  }
  try {
    const payload = payloadFor(target);
    // What is too large without its signatures is not given to the signers, who may be people.
    buildEnvelope(payload);
    const envelope = await sealOffer(payload, signing);
    return new Map(offerTopicsOf(topicRoot, target).map((topic) => [topic, envelope]));
  } catch (error) {
    if (!isOtaError(error, "protocol/too-large")) throw error;
    if (named === undefined || named.devices.length === 1) throw tooLarge(error.details.size, error);
    return sealHalves(topicRoot, named, payloadFor, signing);
  }
}

async function sealHalves(
  topicRoot: string,
  { devices }: NamedTarget,
  payloadFor: (part: OfferTarget) => Uint8Array,
  signing: OfferSigning,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const half = Math.ceil(devices.length / 2);
  const parts = new Map<string, Uint8Array>();
  for (const part of [devices.slice(0, half), devices.slice(half)]) {
    const sealed = await sealOfferParts(topicRoot, { devices: part }, payloadFor, signing);
    for (const [topic, envelope] of sealed) parts.set(topic, envelope);
  }
  return parts;
}

function tooLarge(size: number, cause: unknown): OtaError<"protocol/too-large"> {
  const limit = MESSAGE_SIZE_MAX.offer;
  const message = `the offer has ${size} bytes with its release and signatures; devices take at most ${limit}`;
  return new OtaError("protocol/too-large", message, { message: "offer", size, limit }, { cause, hint: HINT });
}
