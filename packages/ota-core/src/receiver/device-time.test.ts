import { expect, test } from "vitest";
import { offerOf } from "../../test/bench-offer.ts";
import { parseEnvelope } from "../messages/envelope.ts";
import { parseOffer } from "../messages/offer.ts";
import { DeviceTime, type KnownTimes } from "./device-time.ts";
import { BLANK_RECORD, type ReceiverRecord } from "./receiver-record.ts";

const NOTHING: KnownTimes = { builtAt: undefined, keySetIssuedAt: undefined };
const RECORD: ReceiverRecord = { ...BLANK_RECORD, floor: { epoch: 2, time: "2026-03-01T00:00:00Z" } };

function offerAt(issuedAt: string, epoch = 2): ReturnType<typeof parseOffer> {
  return parseOffer(parseEnvelope(offerOf(null, { epoch, issued_at: issuedAt })).payload);
}

test.for([
  ["nothing", BLANK_RECORD, NOTHING, undefined],
  ["the build", BLANK_RECORD, { ...NOTHING, builtAt: "2026-01-01T00:00:00Z" }, "2026-01-01T00:00:00Z"],
  [
    "the key set",
    BLANK_RECORD,
    { builtAt: "2026-01-01T00:00:00Z", keySetIssuedAt: "2026-02-01T00:00:00Z" },
    "2026-02-01T00:00:00Z",
  ],
  ["an offer of the epoch", RECORD, { ...NOTHING, builtAt: "2026-01-01T00:00:00Z" }, "2026-03-01T00:00:00Z"],
] as const)("without a clock, the latest time is that of %s", ([, record, known, time]) => {
  expect(new DeviceTime().latest(2, record, known, 0)).toBe(time);
});

test("passes over the time of another epoch", () => {
  expect(new DeviceTime().latest(3, RECORD, NOTHING, 0)).toBeUndefined();
});

test("takes the later of clock and floor", () => {
  const time = new DeviceTime();
  time.clock.set(Date.UTC(2026, 1, 1), 0);
  expect(time.latest(2, RECORD, NOTHING, 0)).toBe("2026-03-01T00:00:00Z");
  expect(time.latest(2, RECORD, NOTHING, 60 * 86_400_000)).toBe("2026-04-02T00:00:00Z");
});

test("raises the floor by a later offer, whatever the clock says", () => {
  const time = new DeviceTime();
  time.clock.set(Date.UTC(2030, 0, 1), 0);
  expect(time.raised(offerAt("2026-03-01T00:00:00Z"), RECORD, NOTHING)).toBeUndefined();
  expect(time.raised(offerAt("2026-03-02T00:00:00Z"), RECORD, NOTHING)?.floor).toEqual({
    epoch: 2,
    time: "2026-03-02T00:00:00Z",
  });
});
