import { topicsOf } from "@tinybms/ota-core";
import { expect, test } from "vitest";
import { createRandom } from "../random/random.ts";
import { LinkFaults } from "./link-faults.ts";
import { parseFault } from "./parse-fault.ts";

const ROOT = "t";
const TOPICS = topicsOf(ROOT);
const CHUNK = TOPICS.imageChunk("0".repeat(32));

function linkWith(...faults: readonly string[]): LinkFaults {
  return new LinkFaults(faults.map(parseFault), "bench-1", ROOT, createRandom(1));
}

test("delivers each message once, without delay, if there are no faults", () => {
  expect(linkWith("bench-2:lose=any,probability=1", "bench-1:self-test=fail").deliveryDelays(CHUNK)).toEqual([0]);
});

test("applies faults only to their kind of message", () => {
  const link = linkWith("bench-1:lose=chunk,probability=1", "bench-1:duplicate=offer,probability=1");
  expect(link.deliveryDelays(CHUNK)).toEqual([]);
  expect(link.deliveryDelays(TOPICS.deviceChunk("bench-1"))).toEqual([]);
  expect(link.deliveryDelays(TOPICS.offer)).toEqual([0, 0]);
  expect(link.deliveryDelays(TOPICS.deviceOffer("bench-1"))).toEqual([0, 0]);
  expect(link.deliveryDelays(TOPICS.state("bench-1"))).toEqual([0]);
});

test("applies a fault with about its probability", () => {
  const link = linkWith("*:lose=any,probability=0.25");
  const lost = Array.from({ length: 4000 }, () => link.deliveryDelays("other")).filter(
    (delays) => delays.length === 0,
  ).length;
  expect(lost).toBeGreaterThan(800);
  expect(lost).toBeLessThan(1200);
});

test("delays messages by at most the limit of the fault", () => {
  const link = linkWith("*:delay=any,probability=1,delayMs=30");
  const delays = Array.from({ length: 200 }, () => link.deliveryDelays(CHUNK)[0] ?? 0);
  expect(Math.max(...delays)).toBeLessThanOrEqual(30);
  expect(new Set(delays).size).toBeGreaterThan(10);
});
