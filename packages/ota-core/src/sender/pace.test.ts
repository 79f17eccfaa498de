import fc from "fast-check";
import { expect, test } from "vitest";
import { PACE_FLOOR, Pace } from "./pace.ts";

test("sends a burst at once, then limits the rate", () => {
  const pace = new Pace(1_000, 200);
  for (let sent = 0; sent < 2; sent++) {
    expect(pace.readyAt(5_000, 100)).toBe(5_000);
    pace.spend(100);
  }
  expect(pace.readyAt(5_000, 100)).toBe(5_100);
  expect(pace.readyAt(5_099, 100)).toBe(5_100);
  expect(pace.readyAt(5_100, 100)).toBe(5_100);
});

test("saves at most one burst during a pause", () => {
  const pace = new Pace(1_000, 200);
  pace.readyAt(0, 100);
  pace.spend(200);
  expect(pace.readyAt(1_000_000, 200)).toBe(1_000_000);
  pace.spend(200);
  expect(pace.readyAt(1_000_000, 1)).toBe(1_000_001);
});

test("a pace without limit never waits until a round is lost", () => {
  const pace = new Pace(0, 1_000_000);
  for (let sent = 0; sent < 10; sent++) {
    expect(pace.readyAt(7, 1_000_000)).toBe(7);
    pace.spend(1_000_000);
    pace.adapt(false, 50_000);
  }
  expect(pace.rate).toBe(0);
});

test("a pace without limit falls to half of what arrived, and ends when it reaches that again", () => {
  const pace = new Pace(0, 20_000);
  pace.adapt(true, 50_000);
  expect(pace.rate).toBe(25_000);
  pace.adapt(true, 1);
  expect(pace.rate).toBe(12_500);
  pace.adapt(false, 1);
  expect(pace.rate).toBe(25_000);
  expect(pace.isSlowed).toBe(true);
  pace.adapt(false, 1);
  expect(pace.rate).toBe(0);
  expect(pace.isSlowed).toBe(false);
});

test("losses halve the rate down to the floor, and clean rounds double it up to the configured one", () => {
  const pace = new Pace(65_536, 20_000);
  const rates = [true, true, true, true, true, false, false, false, false, false].map((isLossy) => {
    pace.adapt(isLossy, 0);
    return pace.rate;
  });
  const falling = [32_768, 16_384, 8_192, PACE_FLOOR, PACE_FLOOR];
  expect(rates).toEqual([...falling, 8_192, 16_384, 32_768, 65_536, 65_536]);
});

test("sends one message at a time while the rate is below the configured one", () => {
  const pace = new Pace(10_000, 400, 100);
  pace.adapt(true, 0);
  expect(pace.readyAt(0, 100)).toBe(0);
  pace.spend(100);
  expect(pace.readyAt(0, 100)).toBe(20);
  expect(pace.readyAt(60_000, 100)).toBe(60_000);
  pace.spend(100);
  expect(pace.readyAt(60_000, 100)).toBe(60_020);
});

test("a configured rate below the floor is kept", () => {
  const pace = new Pace(1_000, 5_000);
  pace.adapt(true, 0);
  expect(pace.rate).toBe(1_000);
});

test("sends at most the burst and the rate over any span", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(500), fc.integer({ min: 1, max: 400 })), { maxLength: 60 }), (steps) => {
      const pace = new Pace(1_000, 400);
      let now = 0;
      let spent = 0;
      for (const [ms, bytes] of steps) {
        now += ms;
        const ready = pace.readyAt(now, bytes);
        if (ready > now) continue;
        pace.spend(bytes);
        spent += bytes;
        expect(spent).toBeLessThanOrEqual(400 + now + 1e-6);
      }
    }),
  );
});
