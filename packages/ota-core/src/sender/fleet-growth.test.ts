import { expect, test } from "vitest";
import { DeviceLedger } from "./device-ledger.ts";
import { FleetGrowth } from "./fleet-growth.ts";

/** A fleet whose median device begins to receive chunks at 1 000 ms. */
function growingFleet(
  isPaced: boolean,
  devices = 9,
): { growth: FleetGrowth; lack: (lacking: number, now: number) => void } {
  const ledger = new DeviceLedger({ named: [], limit: 1_000, chunkCount: 100 });
  const growth = new FleetGrowth(ledger, isPaced);
  const lack = (lacking: number, now: number): void => {
    for (let device = 0; device < devices; device++) ledger.hear(`bench-${device}`, now).lacking = lacking;
    growth.look(now);
  };
  lack(100, 0);
  lack(90, 1_000);
  return { growth, lack };
}

test.for([
  [true, 120_000],
  [false, 3_000],
] as const)("chunks may be on their way for longer while the fleet grows (paced: %s)", ([isPaced, lagMs]) => {
  const { growth } = growingFleet(isPaced);
  expect(growth.lag(false, 1_000).ofDeviceMs).toBe(lagMs);
  expect(growth.lag(false, 3_999).ofDeviceMs).toBe(lagMs);
  expect(growth.lag(false, 4_000)).toEqual({ ofDeviceMs: 1_000, ofAllMs: isPaced ? 30_000 : 1_000 });
  expect(growth.lag(true, 4_000).ofDeviceMs).toBe(isPaced ? 30_000 : 1_000);
});

test("holds a round at a pace until the fleet stops growing, and for two minutes at most", () => {
  const { growth, lack } = growingFleet(true);
  expect(growth.roundReadyAt(2_000)).toBe(4_000);
  lack(80, 3_000);
  expect(growth.roundReadyAt(4_000)).toBe(6_000);
  for (let second = 4; second < 150; second++) lack(80 - second / 2, second * 1_000);
  expect(growth.roundReadyAt(121_900)).toBe(122_000);
  expect(growth.roundReadyAt(130_000)).toBe(130_000);
  growth.roundBegan();
  expect(growth.roundReadyAt(130_000)).toBe(152_000);
});

test("holds no round without a pace, nor for few devices", () => {
  expect(growingFleet(false).growth.roundReadyAt(1_500)).toBe(1_500);
  expect(growingFleet(true, 7).growth.roundReadyAt(1_500)).toBe(1_500);
});

test("a fleet that gets nothing, or loses what it had, does not grow", () => {
  const { growth, lack } = growingFleet(true);
  lack(90, 10_000);
  lack(95, 11_000);
  expect(growth.lag(false, 11_000).ofDeviceMs).toBe(1_000);
});

test("growth that is seen after a long silence says nothing of now", () => {
  const { growth, lack } = growingFleet(true);
  lack(50, 31_000);
  expect(growth.lag(false, 31_000).ofDeviceMs).toBe(1_000);
  lack(40, 60_000);
  expect(growth.lag(false, 60_000).ofDeviceMs).toBe(120_000);
});

test("without a pace, chunks may be on their way until a broker has passed them on to all devices", () => {
  const { growth } = growingFleet(false, 1_000);
  for (let chunk = 0; chunk < 300; chunk++) growth.sent(4_166, 2_000 + chunk);
  expect(growth.lagMin(26_900)).toBe(120_000);
  expect(growth.lag(false, 26_900)).toEqual({ ofDeviceMs: 120_000, ofAllMs: 120_000 });
  // 1 250 MB at 50 MB a second.
  expect(growth.lagMin(27_100)).toBe(1_000);
  growth.sent(1_000_000_000, 30_000);
  expect([growth.lagMin(149_900), growth.lagMin(150_000)]).toEqual([120_000, 1_000]);
});

test("at a pace, a broker has time to pass chunks on", () => {
  const { growth } = growingFleet(true, 1_000);
  growth.sent(1_250_000, 2_000);
  expect(growth.lagMin(2_000)).toBe(1_000);
});
