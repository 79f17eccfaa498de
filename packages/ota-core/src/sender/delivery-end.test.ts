import { expect, test } from "vitest";
import { type DeliveryEnd, type DeliveryStanding, endOf, SETTLE_MS, verdictOf } from "./delivery-end.ts";

const NONE = { heard: 0, ended: 0, failed: 0, namedEnded: 0, namedFailed: 0 };
const GOING_ON: DeliveryEnd = { type: "going-on" };

const CASES: readonly [
  name: string,
  standing: Partial<Omit<DeliveryStanding, "counts">>,
  counts: object,
  DeliveryEnd,
][] = [
  ["a named device is missing", { named: 2 }, { heard: 1, ended: 1, namedEnded: 1 }, GOING_ON],
  ["all named ended well", { named: 1 }, { heard: 1, ended: 1, namedEnded: 1 }, { type: "over", reason: "delivered" }],
  [
    "a named device failed",
    { named: 1 },
    { heard: 1, ended: 1, failed: 1, namedEnded: 1, namedFailed: 1 },
    { type: "over", reason: "device-failed" },
  ],
  [
    "a device that nobody waits for failed",
    { named: 1 },
    { heard: 2, ended: 2, failed: 1, namedEnded: 1 },
    { type: "over", reason: "delivered" },
  ],
  [
    "named devices ended without a word",
    { named: 1 },
    { ended: 1, namedEnded: 1, namedFailed: 1 },
    { type: "over", reason: "no-device" },
  ],
  ["fewer ended than counted", { count: 2 }, { heard: 2, ended: 1 }, GOING_ON],
  ["as many ended as counted", { count: 2 }, { heard: 3, ended: 2 }, { type: "over", reason: "delivered" }],
  ["nobody was heard", {}, {}, GOING_ON],
  ["one of those heard goes on", {}, { heard: 2, ended: 1 }, GOING_ON],
  [
    "others may still appear",
    { newestAt: 9_999 },
    { heard: 1, ended: 1 },
    { type: "settling", until: 9_999 + SETTLE_MS },
  ],
  ["all those heard ended", {}, { heard: 1, ended: 1, failed: 1 }, { type: "over", reason: "device-failed" }],
];

test.for(CASES)("decides whether a delivery is over: %s", ([, standing, counts, end]) => {
  const all = { counts: { ...NONE, ...counts }, named: 0, count: undefined, newestAt: 0, ...standing };
  expect(endOf(all, 10_000)).toEqual(end);
});

test("counts a downloaded image as success only for a delivery that waits for no more", () => {
  for (const state of ["ready-to-reboot", "pending-verify"] as const) {
    expect(verdictOf(state, "downloaded")).toBe("ok");
    expect(verdictOf(state, "confirmed")).toBeUndefined();
  }
  expect(verdictOf("confirmed", "confirmed")).toBe("ok");
  for (const state of ["rejected", "failed", "rolled-back"] as const)
    expect(verdictOf(state, "downloaded")).toBe("failed");
});
