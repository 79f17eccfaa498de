import { expect, test } from "vitest";
import { ByteBudget } from "./byte-budget.ts";

test("grants nothing beyond the limit, and takes nothing from other holders", () => {
  const budget = new ByteBudget(100);
  const [one, other] = [{}, {}];
  expect(budget.hold(one, 60)).toBe(true);
  expect(budget.hold(other, 41)).toBe(false);
  expect(budget.hold(other, 40)).toBe(true);
  expect(budget.hold(one, 60)).toBe(true);
  expect(budget.hold(one, 61)).toBe(false);
  expect(budget.hold(one, 0)).toBe(true);
  expect(budget.hold(other, 100)).toBe(true);
  expect(budget.hold(one, 1)).toBe(false);
  expect(budget.hold(one, 0)).toBe(true);
});
