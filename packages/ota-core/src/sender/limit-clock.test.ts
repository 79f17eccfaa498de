import { expect, test } from "vitest";
import { LimitClock } from "./limit-clock.ts";

test("adds up for how long each limit held", () => {
  const clock = new LimitClock();
  clock.set(undefined, 10);
  clock.set("rate", 100);
  clock.set("rate", 150);
  clock.set("broker", 300);
  clock.set("devices", 301);
  clock.set(undefined, 400);
  clock.set("devices", 1_000);
  expect(clock.totals).toEqual({ rate: 200, broker: 1, devices: 99 });
});
