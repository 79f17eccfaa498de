import { expect, test } from "vitest";
import { spendAllowance } from "./allowance.ts";

test("takes a minute's messages at once, and then as they refill", () => {
  const allowance = { left: 3, at: 0 };
  expect([1, 2, 3, 4].map(() => spendAllowance(allowance, 3, 0))).toEqual([true, true, true, false]);
  expect(spendAllowance(allowance, 3, 19_999)).toBe(false);
  expect(spendAllowance(allowance, 3, 20_000)).toBe(true);
  expect(spendAllowance(allowance, 3, 20_000)).toBe(false);
});

test("saves up no more than a minute's messages, and nothing if time goes back", () => {
  const allowance = { left: 0, at: 0 };
  expect([1, 2, 3].map(() => spendAllowance(allowance, 2, 3_600_000))).toEqual([true, true, false]);
  expect(spendAllowance(allowance, 2, 0)).toBe(false);
});
