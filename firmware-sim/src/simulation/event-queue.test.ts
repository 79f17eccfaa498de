import fc from "fast-check";
import { expect, test } from "vitest";
import { EventQueue } from "./event-queue.ts";

test("returns events in order of time, and equal times in order of addition", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 })), (times) => {
      const queue = new EventQueue<number>();
      for (const [index, at] of times.entries()) queue.add(at, index);
      expect(queue.nextAt).toBe(times.length === 0 ? undefined : Math.min(...times));
      const taken = times.map(() => queue.take());
      const sorted = times.map((at, event) => ({ at, event })).sort((a, b) => a.at - b.at || a.event - b.event);
      expect(taken.map((item) => ({ at: item?.at, event: item?.event }))).toEqual(sorted);
      expect(queue.take()).toBeUndefined();
      expect(queue.size).toBe(0);
    }),
  );
});
