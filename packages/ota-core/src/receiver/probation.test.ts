import { expect, test } from "vitest";
import { Probation } from "./probation.ts";
import type { Attempt } from "./receiver-record.ts";

const ATTEMPT: Attempt = { offer: "0e", image: "11".repeat(32), attempts: 1, probationMs: 1_000 };
const ONLINE = { now: 500, isConnected: true };
const OFFLINE = { now: 500, isConnected: false };
const ROLL_BACK = [{ type: "clear-timer", timer: "probation" }, { type: "roll-back" }];

test("sets the timer for its duration", () => {
  const { actions } = new Probation(ATTEMPT).handle({ type: "begin", durationMs: 1_000, maxMs: 5_000 }, OFFLINE);
  expect(actions).toEqual([{ type: "set-timer", timer: "probation", at: 1_500 }]);
});

test("confirms an image only after both the self-test and the connection, in either order", () => {
  const confirmed = { attempt: { ...ATTEMPT, proven: true }, actions: [{ type: "mark-valid" }] };
  const testedFirst = new Probation(ATTEMPT);
  expect(testedFirst.handle({ type: "self-test", now: 0, passed: true }, OFFLINE).actions).toEqual([]);
  expect(testedFirst.handle({ type: "connected" }, ONLINE)).toEqual(confirmed);
  const connectedFirst = new Probation(ATTEMPT);
  expect(connectedFirst.handle({ type: "connected" }, ONLINE).actions).toEqual([]);
  expect(connectedFirst.handle({ type: "self-test", now: 0, passed: true }, ONLINE)).toEqual(confirmed);
  const marked = { type: "flash-done", now: 0, result: { operation: "mark-valid" } } as const;
  expect(connectedFirst.handle(marked, ONLINE).end).toEqual({ type: "confirmed", attempt: ATTEMPT });
});

test.for([
  [{ type: "self-test", now: 0, passed: false }, "delivery/self-test-failed"],
  [{ type: "timer", now: 0, timer: "probation" }, "delivery/self-test-unanswered"],
  [{ type: "flash-failed", now: 0, operation: "mark-valid", espErr: -1 }, "delivery/image-rejected"],
  [{ type: "give-up", code: "delivery/image-mismatch" }, "delivery/image-mismatch"],
] as const)("stores the error and rolls back after %o", ([event, error]) => {
  const step = new Probation(ATTEMPT).handle(event, ONLINE);
  expect(step).toEqual({ attempt: { ...ATTEMPT, error }, error, actions: ROLL_BACK });
  expect(new Probation(undefined).handle(event, ONLINE)).toEqual({ error, actions: ROLL_BACK });
});

test.for([
  [undefined, "delivery/broker-not-reached"],
  ["up", "delivery/broker-not-reached"],
  ["broker-refused", "delivery/broker-refused"],
  ["down", "delivery/network-down"],
] as const)("says why an image did not reach the broker: network %s", ([status, error]) => {
  const probation = new Probation(ATTEMPT);
  if (status !== undefined) probation.handle({ type: "network", now: 0, status }, OFFLINE);
  probation.handle({ type: "self-test", now: 0, passed: true }, OFFLINE);
  expect(probation.handle({ type: "timer", now: 0, timer: "probation" }, OFFLINE)).toMatchObject({ error });
});

test("does not confirm an image that it gave up", () => {
  const probation = new Probation(ATTEMPT);
  probation.handle({ type: "self-test", now: 0, passed: true }, OFFLINE);
  probation.handle({ type: "timer", now: 0, timer: "probation" }, OFFLINE);
  expect(probation.handle({ type: "connected" }, ONLINE).actions).toEqual([]);
});

test("asks the flash once, whatever happens before it answers", () => {
  const probation = new Probation(ATTEMPT);
  probation.handle({ type: "self-test", now: 0, passed: true }, OFFLINE);
  expect(probation.handle({ type: "connected" }, ONLINE).actions).toEqual([{ type: "mark-valid" }]);
  for (const event of [
    { type: "connected" },
    { type: "timer", now: 0, timer: "probation" },
    { type: "self-test", now: 0, passed: true },
    { type: "self-test", now: 0, passed: false },
  ] as const) {
    expect(probation.handle(event, ONLINE)).toEqual({ actions: [] });
  }
  const marked = { type: "flash-done", now: 0, result: { operation: "mark-valid" } } as const;
  expect(probation.handle(marked, ONLINE).end).toEqual({ type: "confirmed", attempt: ATTEMPT });
});

test("stays as it is if no rollback is possible", () => {
  const event = { type: "flash-failed", now: 0, operation: "roll-back", espErr: -1 } as const;
  expect(new Probation(ATTEMPT).handle(event, ONLINE).end).toEqual({ type: "stuck", attempt: ATTEMPT });
});

test("ignores timers and flash results that are not its own", () => {
  const probation = new Probation(ATTEMPT);
  expect(probation.handle({ type: "timer", now: 0, timer: "report" }, ONLINE)).toEqual({ actions: [] });
  const erased = { type: "flash-done", now: 0, result: { operation: "erase-sector" } } as const;
  expect(probation.handle(erased, ONLINE)).toEqual({ actions: [] });
});

/** A probation of one second, extended to at most five, that began at 0. */
function begun(): Probation {
  const probation = new Probation(ATTEMPT);
  probation.handle({ type: "begin", durationMs: 1_000, maxMs: 5_000 }, { now: 0, isConnected: false });
  return probation;
}

const TIMER = { type: "timer", now: 0, timer: "probation" } as const;

test.for(["up", "broker-refused"] as const)("is extended to its maximum while the network is %s", (status) => {
  const probation = begun();
  probation.handle({ type: "network", now: 0, status }, OFFLINE);
  for (const [now, at] of [
    [1_000, 2_000],
    [4_500, 5_000],
  ] as const) {
    const { actions } = probation.handle(TIMER, { now, isConnected: false });
    expect(actions).toEqual([{ type: "set-timer", timer: "probation", at }]);
  }
  expect(probation.handle(TIMER, { now: 5_000, isConnected: false }).actions).toEqual(ROLL_BACK);
});

test.for([undefined, "down"] as const)("is not extended with the network %s", (status) => {
  const probation = begun();
  if (status !== undefined) probation.handle({ type: "network", now: 0, status }, OFFLINE);
  expect(probation.handle(TIMER, { now: 1_000, isConnected: false }).actions).toEqual(ROLL_BACK);
});

test("gives the self-test of an image that came late its time, within the maximum", () => {
  const probation = begun();
  expect(probation.handle({ type: "connected" }, { now: 900, isConnected: true }).actions).toEqual([]);
  probation.handle({ type: "network", now: 0, status: "up" }, OFFLINE);
  probation.handle(TIMER, { now: 1_000, isConnected: false });
  const connected = probation.handle({ type: "connected" }, { now: 1_900, isConnected: true });
  expect(connected.actions).toEqual([{ type: "set-timer", timer: "probation", at: 2_900 }]);
  const overtaken = probation.handle({ type: "connected" }, { now: 9_900_000, isConnected: true });
  expect(overtaken.actions).toEqual([{ type: "set-timer", timer: "probation", at: 9_900_000 }]);
  const unanswered = probation.handle(TIMER, { now: 2_900, isConnected: true });
  expect(unanswered.error).toBe("delivery/self-test-unanswered");
});
