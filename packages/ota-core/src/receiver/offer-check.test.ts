import { expect, test } from "vitest";
import { releaseOf } from "../../test/bench-offer.ts";
import { buildAppImage } from "../image/build-app-image.ts";
import { CHIPS, type ChipName } from "../image/chips.ts";
import type { OfferDocument } from "../messages/offer.ts";
import type { Release } from "../schemas/types.generated.ts";
import { type DeviceFacts, refuseOffer } from "./offer-check.ts";

const SIX: readonly ChipName[] = ["esp32", "esp32s2", "esp32s3", "esp32c3", "esp32c6", "esp32h2"];
const RELEASE = releaseOf(buildAppImage({ chip: "esp32", version: "1.1.0", sizeBytes: 20_000, seed: 2 }));
const RUNNING = "ab".repeat(32);

function facts(changes: Partial<DeviceFacts> = {}): DeviceFacts {
  return {
    product: RELEASE.product,
    chipId: 0,
    running: { version: "1.0.0", projectName: "app", slot: "ota_0", sha256: RUNNING, pendingVerify: false },
    target: { slot: "ota_1", sizeBytes: 1 << 20, condemned: false },
    secureVersion: 0,
    timeFloor: "2026-02-01T00:00:00Z",
    ...changes,
  };
}

function offer(changes: Partial<OfferDocument> = {}): OfferDocument {
  return {
    offer: 1,
    id: "00".repeat(16),
    topic_root: "bench/ota",
    epoch: 1,
    sequence: 1,
    issued_at: "2026-02-01T00:00:00Z",
    release: null,
    chunk_encodings: ["identity"],
    target: "all",
    ...changes,
  };
}

const withImage = (changes: Partial<Release["image"]>): Release => {
  return { ...RELEASE, image: { ...RELEASE.image, ...changes } };
};

const codeOf = (document: OfferDocument, release: Release, device: DeviceFacts) =>
  refuseOffer(document, release, device)?.code;

test("of six chips and six images each takes its own alone", () => {
  for (const device of SIX) {
    for (const image of SIX) {
      const release = releaseOf(buildAppImage({ chip: image, version: "1.1.0", sizeBytes: 20_000, seed: 2 }), {
        hardware: image,
      });
      const chipId = CHIPS.find(({ name }) => name === device)!.id;
      expect(codeOf(offer(), release, facts({ chipId })), `${image} on ${device}`).toBe(
        image === device ? undefined : "offer/wrong-chip",
      );
    }
  }
});

test("hardware of a name that is no chip's leaves the decision to the chip id", () => {
  const release = { ...RELEASE, hardware: "tinybms-gateway-rev-c" };
  expect(codeOf(offer(), release, facts())).toBeUndefined();
  expect(codeOf(offer(), release, facts({ chipId: 9 }))).toBe("offer/wrong-chip");
  expect(codeOf(offer(), { ...RELEASE, hardware: "esp32s3" }, facts())).toBe("offer/wrong-hardware");
});

test("an image below the eFuse's secure version is refused before anything is erased, whatever is waived", () => {
  const waive = ["chip-id", "project-name", "constraints"] as const;
  for (const [found, required, code] of [
    [2, 3, "offer/secure-version"],
    [3, 3, undefined],
    [4, 3, undefined],
  ] as const) {
    const release = withImage({ secure_version: found });
    expect(codeOf(offer({ waive: [...waive] }), release, facts({ secureVersion: required }))).toBe(code);
  }
});

test("an offer from certain images on is judged by what runs, not by what version it says it has", () => {
  const from = (images: string[]) => offer({ constraints: { from_images: images } });
  expect(codeOf(from([RUNNING.slice(0, 32)]), RELEASE, facts())).toBeUndefined();
  expect(codeOf(from(["cd".repeat(16)]), RELEASE, facts())).toBe("offer/constraint");
  const sameVersion = { ...facts().running, sha256: "cd".repeat(32) };
  expect(codeOf(from([RUNNING.slice(0, 32)]), RELEASE, facts({ running: sameVersion }))).toBe("offer/constraint");
  expect(codeOf({ ...from(["cd".repeat(16)]), waive: ["constraints"] }, RELEASE, facts())).toBeUndefined();
});

test.for([
  ["a member that a later protocol may bring", offer({ critical: ["only-at-night"] }), "offer/unsupported"],
  ["an encoding that it lacks", offer({ chunk_encodings: ["deflate"] }), "offer/unsupported"],
  ["members that it honours", offer({ critical: ["target", "constraints"] }), undefined],
] as const)("an offer that demands %s is judged by whether this device has it", ([, document, code]) => {
  expect(codeOf(document, RELEASE, facts())).toBe(code);
});

test.for([
  ["the second before the floor", "2026-01-31T23:59:59Z", "offer/expired"],
  ["fractions of a second before it", "2026-01-31T23:59:59.999Z", "offer/expired"],
  ["the floor itself", "2026-02-01T00:00:00Z", undefined],
  ["fractions of a second after it", "2026-02-01T00:00:00.001Z", undefined],
] as const)("of an offer that expires at %s, %s, the time floor decides", ([, expires, code]) => {
  expect(codeOf(offer({ expires_at: expires }), RELEASE, facts())).toBe(code);
  expect(codeOf(offer({ expires_at: expires }), RELEASE, facts({ timeFloor: undefined }))).toBeUndefined();
});

test("an image of one byte more than the slot is refused, and one without a slot", () => {
  expect(codeOf(offer(), withImage({ size: 1 << 20 }), facts())).toBeUndefined();
  expect(codeOf(offer(), withImage({ size: (1 << 20) + 1 }), facts())).toBe("offer/too-large");
  expect(codeOf(offer(), RELEASE, facts({ target: undefined }))).toBe("offer/no-slot");
});
