import { beforeEach, expect, test } from "vitest";
import { offerOf, releaseOf, TOPIC_ROOT } from "../../test/bench-offer.ts";
import { OtaError } from "../errors.ts";
import { buildAppImage } from "../image/build-app-image.ts";
import { RECEIVER_TIMING } from "../messages/timing.ts";
import { topicsOf } from "../messages/topics.ts";
import { type ActivityStep, CurrentActivity } from "./current-activity.ts";
import { OfferLedger } from "./offer-ledger.ts";
import { readOffer } from "./received-offer.ts";
import { ReceiverCounters } from "./receiver-counters.ts";
import { type Attempt, BLANK_RECORD, type ReceiverRecord } from "./receiver-record.ts";

const RUNNING = "ab".repeat(32);
const RELEASE = releaseOf(buildAppImage({ chip: "esp32", version: "1.1.0" }));
const ATTEMPT: Attempt = { offer: "0e", image: RUNNING, attempts: 1, probationMs: 1_000 };
const CONTEXT = { now: 500, isConnected: true };
const ERASED = { type: "flash-done", now: 0, result: { operation: "erase-sector" } } as const;

let ledger: OfferLedger;
let counters: ReceiverCounters;
let activity: CurrentActivity;

beforeEach(() => {
  ledger = new OfferLedger();
  counters = new ReceiverCounters();
  const options = { device: "bench-1", topics: topicsOf(TOPIC_ROOT), timing: RECEIVER_TIMING };
  activity = new CurrentActivity({ ...options, window: 0, random: () => 0 }, ledger, counters);
});

function boot(changes: Partial<ReceiverRecord> = {}, pendingVerify = false): readonly ActivityStep[] {
  const record = { ...BLANK_RECORD, ...changes };
  ledger.load(record, RUNNING);
  const running = { version: "1.0.0", projectName: "app", slot: "ota_0", sha256: RUNNING, pendingVerify };
  const target = { slot: "ota_1", sizeBytes: 1 << 20, condemned: false };
  const facts = { bootCount: 1, cleanReset: true, rollback: true, secureVersion: 0 };
  return activity.boot({ type: "booted", now: 0, running, target, record, ...facts }, CONTEXT);
}

function download(): readonly ActivityStep[] {
  const received = readOffer(offerOf(RELEASE));
  if (received instanceof OtaError) throw received;
  ledger.accept(received, false);
  return activity.startDownload(received.offer, RELEASE, CONTEXT);
}

function typesOf(steps: readonly ActivityStep[]): string[] {
  return steps.map(({ type }) => type);
}

test("rests without a record, and counts messages for a download", () => {
  expect(boot()).toEqual([]);
  expect(activity).toMatchObject({ state: "idle", isResting: true, isReplaceable: true });
  expect(activity.handle({ type: "chunk", now: 0, payload: new Uint8Array(1) }, CONTEXT)).toEqual([]);
  expect(counters.stats(0).dropped).toEqual({ "not-downloading": 1 });
});

test("confirms an image on probation, and then says that the offer ended", () => {
  expect(typesOf(boot({ attempt: ATTEMPT }, true))).toEqual(["set-timer"]);
  expect(activity).toMatchObject({ state: "pending-verify", isResting: false, isReplaceable: false });
  const passed = activity.handle({ type: "self-test", now: 0, passed: true }, CONTEXT);
  expect(typesOf(passed)).toEqual(["store", "mark-valid"]);
  const marked = { type: "flash-done", now: 0, result: { operation: "mark-valid" } } as const;
  expect(typesOf(activity.handle(marked, CONTEXT))).toEqual(["store", "clear-timer", "offer-ended"]);
  expect(activity.state).toBe("confirmed");
});

test("reports why it gives an image up before it rolls back", () => {
  boot({ attempt: ATTEMPT }, true);
  const failed = activity.handle({ type: "self-test", now: 0, passed: false }, CONTEXT);
  expect(typesOf(failed)).toEqual(["store", "report", "clear-timer", "roll-back"]);
  expect(ledger.error?.code).toBe("delivery/self-test-failed");
});

test("makes an image unbootable that failed, and then says that the offer ended", () => {
  const attempt = { ...ATTEMPT, image: "00".repeat(32), error: "delivery/network-down" };
  expect(boot({ attempt })).toEqual([{ type: "erase-sector", offset: 0 }]);
  expect(activity).toMatchObject({ state: "rolled-back", isResting: false, isReplaceable: false });
  expect(typesOf(activity.handle(ERASED, CONTEXT))).toEqual(["store", "clear-timer", "offer-ended"]);
  expect(ledger.record.outcome).toMatchObject({ outcome: "rolled-back", error: "delivery/network-down" });
});

test("resumes an image as confirmed only if it runs", () => {
  const outcome = { offer: "0e", image: RUNNING, outcome: "confirmed" } as const;
  boot({ outcome: { ...outcome, image: "00".repeat(32) } });
  expect(activity.state).toBe("idle");
  boot({ outcome });
  expect(activity.state).toBe("confirmed");
});

test("joins a download again on each connection, and leaves it", () => {
  boot();
  const joined = typesOf(download());
  expect(joined).toContain("subscribe");
  expect(activity).toMatchObject({ state: "checking", isResting: false, isReplaceable: true });
  expect(typesOf(activity.handle({ type: "connected" }, CONTEXT))).toEqual(joined);
  const conditions = { now: 500, utc: undefined, mayReboot: true };
  expect(activity.handle({ type: "proceed", conditions }, CONTEXT), "nothing is verified").toEqual([]);
  expect(typesOf(activity.endDownload("idle", CONTEXT))).toContain("unsubscribe");
  expect(activity.endDownload("rejected", CONTEXT)).toEqual([]);
  expect(activity).toMatchObject({ state: "idle", download: undefined });
});

test("confirms an offer whose image runs already", () => {
  boot();
  ledger.resume({ offer: "0e", image: RUNNING, outcome: "failed" });
  expect(typesOf(activity.confirm(CONTEXT))).toEqual(["store", "clear-timer", "offer-ended"]);
  expect(activity.state).toBe("confirmed");
});
