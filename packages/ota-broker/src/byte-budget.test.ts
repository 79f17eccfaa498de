import { expect, test } from "vitest";
import { ByteBudget } from "./byte-budget.ts";

test("who asks for more than is left gets nothing, and takes nothing from the others", () => {
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
