import { expect, test } from "vitest";
import { offerOf, PRODUCT, releaseOf } from "../../test/bench-offer.ts";
import { OtaError } from "../errors.ts";
import { buildAppImage } from "../image/build-app-image.ts";
import { decideOnOffer, type OfferSituation } from "./decide-on-offer.ts";
import { type ReceivedOffer, readOffer } from "./received-offer.ts";
import type { OfferOutcome } from "./receiver-record.ts";

const RUNNING = "ab".repeat(32);
const RELEASE = releaseOf(buildAppImage({ chip: "esp32", version: "1.1.0" }));
const OFFER = received(offerOf(RELEASE));
const WITHDRAWAL = received(offerOf(null));
const { id } = OFFER.offer;
const ENDED: OfferOutcome = { offer: id, image: RELEASE.image.sha256, outcome: "failed" };

/** A device at rest that never took an offer. */
const RESTING: OfferSituation = {
  isResting: true,
  isReplaceable: true,
  offer: undefined,
  error: undefined,
  outcome: undefined,
  facts: {
    product: PRODUCT,
    chipId: 0,
    running: { version: "1.0.0", projectName: "app", slot: "ota_0", sha256: RUNNING, pendingVerify: false },
    target: { slot: "ota_1", sizeBytes: 1 << 20, condemned: false },
    secureVersion: 0,
    hasClock: true,
    timeFloor: undefined,
  },
};
const DOWNLOADING: OfferSituation = { ...RESTING, isResting: false, offer: id };
const ON_PROBATION: OfferSituation = { ...DOWNLOADING, isReplaceable: false };

function received(message: Uint8Array): ReceivedOffer {
  const offer = readOffer(message);
  if (offer instanceof OtaError) throw offer;
  return offer;
}

test.for([
  ["accepts it at rest", RESTING, { type: "accept" }],
  ["accepts it in the place of a download", DOWNLOADING, { type: "accept" }],
  ["makes it wait during a probation", ON_PROBATION, { type: "wait" }],
  ["rejects it without a slot", { ...RESTING, facts: { ...RESTING.facts, target: undefined } }, { type: "reject" }],
] as const)("%s if it is a new offer", ([, situation, decision]) => {
  expect(decideOnOffer(OFFER, false, situation)).toMatchObject(decision);
});

test.for([
  ["keeps its download", DOWNLOADING, { type: "keep" }],
  ["keeps its probation", ON_PROBATION, { type: "keep" }],
  ["makes it wait for another's probation", { ...ON_PROBATION, offer: "0e" }, { type: "wait" }],
  ["resumes how it ended", { ...RESTING, outcome: ENDED }, { type: "resume", outcome: ENDED }],
  ["accepts it if another ended", { ...RESTING, outcome: { ...ENDED, offer: "0e" } }, { type: "accept" }],
  [
    "accepts it if its image was confirmed and does not run",
    { ...RESTING, outcome: { ...ENDED, outcome: "confirmed" } },
    { type: "accept" },
  ],
  [
    "resumes it if its image was confirmed and runs",
    { ...RESTING, outcome: { ...ENDED, outcome: "confirmed", image: RUNNING } },
    { type: "resume" },
  ],
] as const)("%s if it is the accepted offer", ([, situation, decision]) => {
  expect(decideOnOffer(OFFER, true, situation)).toMatchObject(decision);
});

test("accepts a withdrawal whatever the device is, and keeps it when it is repeated", () => {
  const other = { ...RESTING, facts: { ...RESTING.facts, product: "Other", target: undefined } };
  expect(decideOnOffer(WITHDRAWAL, false, other)).toEqual({ type: "accept" });
  const withdrawn = { ...other, offer: id, error: "offer/withdrawn" };
  expect(decideOnOffer(WITHDRAWAL, true, withdrawn)).toEqual({ type: "keep" });
});
