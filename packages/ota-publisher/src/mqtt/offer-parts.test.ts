import { MESSAGE_SIZE_MAX, parseOffer } from "@tinybms/ota-core";
import { type Envelope, parseEnvelope } from "@tinybms/ota-core/signing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { buildOfferPayload, type OfferTarget } from "../offer-payload.ts";
import { UNSIGNED } from "../signing/offer-signing.ts";
import { sealOfferParts } from "./offer-parts.ts";

const TOPIC = "bench/ota";
const RELEASE: Envelope = { payload: new Uint8Array(400).fill(0x20), signatures: [] };

const payloadOf =
  (release: Envelope) =>
  (target: OfferTarget): Uint8Array =>
    buildOfferPayload(release, {
      ...{ id: "ab".repeat(16), topicRoot: TOPIC, counter: [1, 7], issuedAt: new Date(0), target },
      expectedCount: 2,
    });

test("gives each device one offer that names it, none too large, all with one number", async () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9-]{0,63}$/), {
    minLength: 1,
    maxLength: 600,
    size: "max",
  });
  await fc.assert(
    fc.asyncProperty(names, async (devices) => {
      const parts = await sealOfferParts(TOPIC, { devices }, payloadOf(RELEASE), UNSIGNED);
      const offers = new Map([...parts].map(([topic, bytes]) => [topic, parseOffer(parseEnvelope(bytes).payload)]));
      const found = [...offers].map(([topic, { target }]) => [topic, target]);
      const listed = new Set([...offers.values()].map(({ target }) => JSON.stringify(target)));
      expect(found).toHaveLength(devices.length);
      for (const device of devices) {
        const offer = offers.get(`${TOPIC}/v1/device/${device}/offer`);
        expect(offer).toMatchObject({ id: "ab".repeat(16), epoch: 1, sequence: 7 });
        expect(offer?.target).toMatchObject({ devices: expect.arrayContaining([device]) });
      }
      const all = [...listed].flatMap((text) => (JSON.parse(text) as { devices: string[] }).devices);
      expect(all, "each device is in one part").toHaveLength(devices.length);
      for (const bytes of parts.values()) expect(bytes.length).toBeLessThanOrEqual(MESSAGE_SIZE_MAX.offer);
    }),
    { numRuns: 20 },
  );
});

test("publishes one offer where it has room", async () => {
  const parts = await sealOfferParts(TOPIC, { devices: ["a", "b"] }, payloadOf(RELEASE), UNSIGNED);
  expect(new Set(parts.values()).size).toBe(1);
  expect([...(await sealOfferParts(TOPIC, "all", payloadOf(RELEASE), UNSIGNED)).keys()]).toEqual([`${TOPIC}/v1/offer`]);
});

test.for([["all"], [{ devices: ["bench-1"] }]] as const)(
  "refuses an offer for %j that can't be split, and says what to sign with",
  async ([target]) => {
    const signature = { keyid: "ab".repeat(16), alg: "rsa-pkcs1v15-sha256", sig: new Uint8Array(512) };
    const release = { ...RELEASE, signatures: Array(3).fill(signature) };
    await expect(sealOfferParts(TOPIC, target, payloadOf(release), UNSIGNED)).rejects.toThrow(
      expect.objectContaining({
        code: "protocol/too-large",
        message: expect.stringMatching(/^the offer has \d{4} bytes .* devices take at most 4096$/),
        hint: expect.stringContaining("ECDSA P-256"),
      }),
    );
  },
);
