import { utf8 } from "@tinybms/ota-core";
import { expect, test } from "vitest";
import {
  type BrokerClient,
  InMemoryBroker,
  type InMemoryMessage,
  matchesFilter,
  type Will,
} from "./in-memory-broker.ts";

function client(will?: Will): BrokerClient & { readonly got: InMemoryMessage[] } {
  const got: InMemoryMessage[] = [];
  return { will, got, deliver: (message) => got.push(message) };
}

test.for([
  ["a/b", "a/b", true],
  ["a/+", "a/b", true],
  ["a/+", "a/b/c", false],
  ["+/b/#", "a/b/c/d", true],
  ["a/b/#", "a/b", true],
  ["a/b", "a/b/c", false],
  ["a/b/c", "a/b", false],
  ["#", "a/b", true],
] as const)("matches filter %s with topic %s: %s", ([filter, topic, expected]) => {
  expect(matchesFilter(filter, topic)).toBe(expected);
});

test("delivers a message once to each subscriber, even if several filters match", () => {
  const broker = new InMemoryBroker();
  const subscriber = client();
  broker.connect(subscriber);
  broker.subscribe(subscriber, "a/+");
  broker.subscribe(subscriber, "a/b");
  broker.publish("a/b", utf8("x"), false);
  broker.publish("c", utf8("y"), false);
  expect(subscriber.got).toEqual([{ topic: "a/b", payload: utf8("x"), qos: 1, retained: false }]);
});

test("delivers a retained message with each subscription, until an empty one clears it", () => {
  const broker = new InMemoryBroker();
  const subscriber = client();
  broker.publish("a", utf8("x"), true);
  broker.connect(subscriber);
  broker.subscribe(subscriber, "a");
  broker.subscribe(subscriber, "a");
  expect(subscriber.got.map(({ retained }) => retained)).toEqual([true, true]);
  broker.publish("a", new Uint8Array(0), true);
  expect(broker.retained("a")).toBeUndefined();
});

test("publishes the will only if the connection breaks", () => {
  const broker = new InMemoryBroker();
  const [clean, broken] = [client({ topic: "a", payload: utf8("1") }), client({ topic: "b", payload: utf8("2") })];
  for (const each of [clean, broken]) broker.connect(each);
  broker.disconnect(clean, true);
  broker.disconnect(broken, false);
  broker.disconnect(broken, false);
  expect(broker.retained("a")).toBeUndefined();
  expect(broker.retained("b")).toEqual(utf8("2"));
});

test("delivers nothing to a disconnected client", () => {
  const broker = new InMemoryBroker();
  const subscriber = client();
  broker.connect(subscriber);
  broker.subscribe(subscriber, "a");
  broker.unsubscribe(subscriber, "a");
  broker.publish("a", utf8("x"), false);
  broker.subscribe(subscriber, "a");
  broker.disconnect(subscriber, true);
  broker.subscribe(subscriber, "a");
  broker.publish("a", utf8("x"), true);
  expect(subscriber.got).toEqual([]);
});
