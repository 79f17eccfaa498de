import { beforeEach, expect, test } from "vitest";
import { offerOf, releaseOf } from "../../test/bench-offer.ts";
import { OtaError } from "../errors.ts";
import { buildAppImage } from "../image/build-app-image.ts";
import { OfferLedger } from "./offer-ledger.ts";
import { type ReceivedOffer, readOffer } from "./received-offer.ts";
import { type Attempt, BLANK_RECORD, type ReceiverRecord } from "./receiver-record.ts";

const RUNNING = "ab".repeat(32);
const RELEASE = releaseOf(buildAppImage({ chip: "esp32", version: "1.1.0" }));
const OFFER = received(offerOf(RELEASE, { sequence: 5 }));
const { id } = OFFER.offer;
const image = RELEASE.image.sha256;
const ATTEMPT: Attempt = { offer: id, image, attempts: 1, probationMs: 1_000 };
const ACCEPTED: ReceiverRecord = {
  accepted: [1, 5],
  payloadSha256: OFFER.payloadSha256,
  floor: { epoch: 1, time: "2026-01-01T00:00:00Z" },
};

let ledger: OfferLedger;

beforeEach(() => {
  ledger = new OfferLedger();
  ledger.load(undefined, RUNNING);
});

function received(message: Uint8Array): ReceivedOffer {
  const offer = readOffer(message);
  if (offer instanceof OtaError) throw offer;
  return offer;
}

test("names the offer of an attempt that began before the reset", () => {
  ledger.load({ ...ACCEPTED, attempt: ATTEMPT }, RUNNING);
  expect(ledger).toMatchObject({ offer: id, image, error: undefined });
  expect([ledger.isRunning(RUNNING), ledger.isRunning(image)]).toEqual([true, false]);
});

test("stores an offer that it accepts, once", () => {
  expect(ledger.accept(OFFER, false)).toEqual([{ type: "store", record: ACCEPTED }]);
  expect(ledger.record).toEqual(ACCEPTED);
  expect(ledger.accept(OFFER, true)).toEqual([]);
  expect(ledger).toMatchObject({ offer: id, image, error: undefined });
});

test("names no image of a withdrawal, and says what it is", () => {
  ledger.accept(received(offerOf(null)), false);
  expect(ledger).toMatchObject({ image: undefined, error: { code: "offer/withdrawn" } });
});

test("stores nothing for an offer that it rejects", () => {
  ledger.reject(id, new OtaError("offer/no-slot", "there is no slot", {}));
  expect(ledger).toMatchObject({ record: BLANK_RECORD, offer: id, image: undefined });
  expect(ledger.error).toEqual({ code: "offer/no-slot", message: "there is no slot" });
});

test("records how the named offer ended, with the error in reports", () => {
  ledger.accept(OFFER, false);
  ledger.store({ ...ledger.record, attempt: ATTEMPT, whole: true });
  ledger.blame("delivery/self-test-failed");
  const outcome = { offer: id, image, outcome: "rolled-back", error: "delivery/self-test-failed" } as const;
  expect(ledger.end("rolled-back", undefined)).toEqual([{ type: "store", record: { ...ACCEPTED, outcome } }]);
});

test("records the end of an attempt's offer, and none if no offer is named", () => {
  expect(ledger.end("confirmed", undefined)).toEqual([]);
  ledger.end("confirmed", ATTEMPT);
  expect(ledger.record.outcome).toEqual({ offer: id, image, outcome: "confirmed" });
});

test("records a failed download with its error", () => {
  ledger.accept(OFFER, false);
  ledger.fail(new OtaError("delivery/flash-failed", "sector 1 is worn out", { sector: 1 }));
  expect(ledger.record.outcome).toEqual({ offer: id, image, outcome: "failed", error: "delivery/flash-failed" });
  expect(ledger.error).toEqual({ code: "delivery/flash-failed", message: "sector 1 is worn out" });
});

test("stores that the slot is whole, or is not, only if that is new", () => {
  expect(ledger.setWhole(false)).toEqual([]);
  expect(ledger.setWhole(true)).toEqual([{ type: "store", record: { ...BLANK_RECORD, whole: true } }]);
  expect(ledger.setWhole(true)).toEqual([]);
  expect(ledger.setWhole(false)).toEqual([{ type: "store", record: BLANK_RECORD }]);
});

test("names an offer that ended earlier, with its error", () => {
  ledger.resume({ offer: id, image, outcome: "failed", error: "delivery/no-rollback" });
  expect(ledger).toMatchObject({ record: BLANK_RECORD, offer: id, image, error: { code: "delivery/no-rollback" } });
});
