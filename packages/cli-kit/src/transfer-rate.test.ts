import { expect, test } from "vitest";
import { TransferRate } from "./transfer-rate.ts";

test("says nothing before something moved", () => {
  const rate = new TransferRate();
  expect(rate.text(1)).toBe("");
  rate.add(5, 0);
  rate.add(5, 1_000);
  expect(rate.text(1)).toBe("");
});

test("names the rate of the last ten seconds, and the time that the rest takes", () => {
  const rate = new TransferRate();
  rate.add(0, 0);
  for (let second = 1; second <= 30; second++) rate.add(second < 20 ? 0 : (second - 19) * 1_500_000, second * 1_000);
  expect(rate.text(6_000_000)).toBe("1.5 MB/s, 4 s left");
  expect(rate.text(0)).toBe("1.5 MB/s");
});
