import { expect, test } from "vitest";
import { type SummarizedState, sampleFleet } from "./fleet-line.ts";

function deviceOf(state: SummarizedState["state"], received = 0, total = 0): SummarizedState {
  return { status: "running", state, report: { received, total } as SummarizedState["report"] };
}

test("counts devices by state, and the bytes of those that download", () => {
  const devices = [
    deviceOf("downloading", 3, 10),
    deviceOf("downloading", 5, 10),
    deviceOf("confirmed"),
    { ...deviceOf("idle"), status: "off" as const },
  ];
  expect(sampleFleet(devices)).toEqual({
    states: "2 downloading, 1 confirmed, 1 off",
    received: 8 * 4_096,
    missing: 12 * 4_096,
  });
});
