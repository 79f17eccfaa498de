import { expect, test } from "vitest";
import { ReconnectDelay } from "./reconnect-delay.ts";

test.for([
  ["the publisher's waits", { firstMs: 200, longestMs: 5_000 }],
  ["a device's waits", { firstMs: 100, longestMs: 5_000 }],
] as const)("connects fewer than ten times in ten seconds to a broker that accepts and closes: %s", ([, options]) => {
  const delay = new ReconnectDelay(options);
  let now = 0;
  let connections = 0;
  while (now < 10_000) {
    connections++;
    delay.connected(now);
    delay.worked();
    now += delay.lost(now + 5).waitMs + 5;
  }
  expect(connections).toBeLessThan(10);
  expect(connections).toBeGreaterThan(3);
});

test.for([
  ["lasted and worked", 10_000, true, 200],
  ["was too short", 9_999, true, 800],
  ["did nothing", 60_000, false, 800],
] as const)("waits as expected after a connection that %s", ([, upMs, hasWorked, waitMs]) => {
  const delay = new ReconnectDelay({ firstMs: 200, longestMs: 5_000 });
  delay.lost(0);
  delay.lost(200);
  delay.connected(600);
  if (hasWorked) delay.worked();
  expect(delay.lost(600 + upMs)).toEqual({ waitMs, hasLasted: waitMs === 200 });
});

test("never waits longer than the maximum", () => {
  const delay = new ReconnectDelay({ firstMs: 200, longestMs: 5_000 });
  expect(Array.from({ length: 8 }, () => delay.lost(0).waitMs)).toEqual([
    200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000,
  ]);
});
