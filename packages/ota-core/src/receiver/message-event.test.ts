import { expect, test } from "vitest";
import { messageEvent } from "./message-event.ts";

const RECEIVER = { topicRoot: "bench/ota", device: "gw-1" };
const take = (topic: string) =>
  messageEvent(RECEIVER, { now: 1, topic: `bench/ota/v1/${topic}`, payload: new Uint8Array(), retained: false })?.type;

test.for([
  ["offer", "offer"],
  ["device/gw-1/offer", "offer"],
  ["device/gw-1/chunk", "chunk"],
  ["device/gw-2/offer", undefined],
  ["device/gw-2/chunk", undefined],
  ["device/gw-1/state", undefined],
  ["keys/2", "key-set"],
])("takes a message on %s as %s", ([topic, type]) => {
  expect(take(topic ?? "")).toBe(type);
});
