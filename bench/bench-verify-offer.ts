import { parseOffer } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { parseEnvelope, readKeySet, verifyEnvelope, verifySignature } from "@tinybms/ota-core/signing";
import { prepareSender } from "../firmware-sim/src/simulation/publish-image.ts";
import { createFleetKeys, signerOf } from "../firmware-sim/test/signed-fleet.ts";
import { type BenchLine, median } from "./bench-line.ts";

const ROUNDS = 500;
const LIMIT_MS = 1;
const PRODUCT = "TinyBMS Web Gateway";

/**
 * What an offer costs that arrives at a receiver: reading it, and verifying its ECDSA signature and that of the release in
 * it. Nothing is compared: the limit is the other side.
 */
export async function benchVerifyOffer(): Promise<readonly BenchLine[]> {
  const fleet = createFleetKeys(PRODUCT);
  const keys = readKeySet(fleet.keySets[0], verifySignature);
  const image = buildAppImage({ version: "1.0.0", sizeBytes: 20_000 });
  const message = prepareSender({
    image,
    topicRoot: "tinybms/gateway/ota",
    product: PRODUCT,
    sign: signerOf(fleet),
  }).offerEnvelope;
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now();
    const envelope = parseEnvelope(message);
    const { release } = parseOffer(verifyEnvelope(envelope, "offer", keys, verifySignature).payload);
    if (release === null) throw new Error("the offer has a release");
    verifyEnvelope(release, "release", keys, verifySignature);
    times.push(performance.now() - began);
  }
  const ms = median(times);
  return [
    {
      name: "an offer with its release, two ECDSA signatures",
      ours: ms,
      plain: LIMIT_MS,
      ratio: ms / LIMIT_MS,
      limit: 1,
    },
  ];
}
