import { utf8 } from "@tinybms/ota-core";
import { expect, test } from "vitest";
import { DeliveryQueue } from "./delivery-queue.ts";
import type { InMemoryMessage } from "./in-memory-broker.ts";

function message(name: string, qos: 0 | 1): InMemoryMessage {
  return { topic: name, payload: utf8("x"), qos, retained: false };
}

function drain(queue: DeliveryQueue): string[] {
  const topics: string[] = [];
  for (let next = queue.take(); next !== undefined; next = queue.take()) topics.push(next.topic);
  return topics;
}

test("sends QoS 1 messages up to the limit, and one more with each acknowledgment", () => {
  const queue = new DeliveryQueue({ inFlightMax: 2, queueMax: 2 });
  const accepted = ["a", "b", "c", "d", "e"].map((name) => queue.push(message(name, 1)));
  expect(accepted).toEqual([true, true, true, true, false]);
  expect(drain(queue)).toEqual(["a", "b"]);
  queue.acknowledge();
  expect(drain(queue)).toEqual(["c"]);
  queue.acknowledge();
  queue.acknowledge();
  expect(drain(queue)).toEqual(["d"]);
  queue.acknowledge();
  expect(["f", "g", "h"].map((name) => queue.push(message(name, 1)))).toEqual([true, true, true]);
  expect(drain(queue)).toEqual(["f", "g"]);
});

test("drops QoS 0 messages while the queue's limit has not left", () => {
  const queue = new DeliveryQueue({ inFlightMax: 20, queueMax: 2 });
  expect(["a", "b", "c"].map((name) => queue.push(message(name, 0)))).toEqual([true, true, false]);
  expect(queue.take()?.topic).toBe("a");
  expect(queue.push(message("d", 0))).toBe(true);
  expect(drain(queue)).toEqual(["b", "d"]);
  expect(queue.bytes).toBe(0);
});

test("keeps everything without limits", () => {
  const queue = new DeliveryQueue({ inFlightMax: 0, queueMax: 0 });
  for (let count = 0; count < 5_000; count++) expect(queue.push(message("a", count % 2 === 0 ? 0 : 1))).toBe(true);
  expect(queue.size).toBe(5_000);
});
