import { expect, test } from "vitest";
import { Bitmap } from "../bitmap.ts";
import { parseRequest } from "../messages/request.ts";
import { RECEIVER_TIMING } from "../messages/timing.ts";
import { topicsOf } from "../messages/topics.ts";
import { ImageRequests } from "./image-requests.ts";
import type { ReceiverAction } from "./receiver-events.ts";

const IMAGE = "ab".repeat(16);
const TOPICS = topicsOf("bench/ota");
const ONLINE = { now: 1_000, isConnected: true };
const OFFLINE = { now: 1_000, isConnected: false };

function requestsOf(window = 0, random = 0): ImageRequests {
  return new ImageRequests(IMAGE, {
    device: "bench-1",
    topics: TOPICS,
    timing: RECEIVER_TIMING,
    window,
    projectName: "bench",
    trustsFlash: true,
    isCondemned: false,
    random: () => random,
  });
}

function missingOf(size: number): Bitmap {
  const missing = new Bitmap(size);
  missing.addAll();
  return missing;
}

function requestIn(actions: readonly ReceiverAction[]): ReturnType<typeof parseRequest> | undefined {
  const publish = actions.find((action) => action.type === "publish");
  return publish === undefined ? undefined : parseRequest(publish.payload);
}

function timerIn(actions: readonly ReceiverAction[]): number | undefined {
  return actions.find((action) => action.type === "set-timer")?.at;
}

test("leaves the topics that it joined, and stops its timer; without a connection only that", () => {
  const requests = requestsOf();
  const joined = requests.join().flatMap((action) => (action.type === "subscribe" ? action.topic : []));
  expect(joined).toEqual([TOPICS.imageChunk(IMAGE), TOPICS.deviceChunk("bench-1"), TOPICS.hashes(IMAGE)]);
  expect(requests.leave(ONLINE)).toEqual([
    { type: "clear-timer", timer: "request" },
    ...joined.map((topic) => ({ type: "unsubscribe", topic })),
  ]);
  expect(requests.leave(OFFLINE)).toEqual([{ type: "clear-timer", timer: "request" }]);
});

test("asks for nothing without a connection", () => {
  const requests = requestsOf();
  expect(requests.ask(missingOf(3), OFFLINE)).toEqual([]);
  expect(requests.count).toBe(0);
});

test("waits a random part of the spread before its first request", () => {
  const requests = requestsOf(0, 0.5);
  expect(requests.askWithin(2_001, missingOf(3), ONLINE)).toEqual([
    { type: "set-timer", timer: "request", at: 1_000 + 1_000 },
  ]);
  expect(requestIn(requests.askWithin(0, missingOf(3), ONLINE))?.missing).toEqual([[0, 3]]);
});

test("adds a random time to each wait, and asks by unicast after three requests without effect", () => {
  const requests = requestsOf(0, 0.999);
  const asked = Array.from({ length: 5 }, () => requests.ask(missingOf(3), ONLINE));
  expect(asked.map((actions) => timerIn(actions)! - 1_000)).toEqual([2_998, 4_498, 7_498, 13_498, 25_498]);
  expect(asked.map((actions) => requestIn(actions)?.unicast)).toEqual([false, false, false, true, true]);
  expect(requests.isStalled).toBe(false);
  requests.ask(missingOf(3), ONLINE);
  expect(requests.isStalled).toBe(true);
  requests.succeeded();
  expect(requests.isStalled).toBe(false);
  expect(requests.count).toBe(6);
});

test("asks at once when its window is used up", () => {
  const requests = requestsOf(2);
  const missing = missingOf(9);
  requests.ask(missing, ONLINE);
  expect(requestIn(requests.chunkWritten(missing, ONLINE))).toBeUndefined();
  expect(requestIn(requests.chunkWritten(missing, ONLINE))).toMatchObject({ window: 2 });
  expect(requestIn(requests.chunkWritten(missing, ONLINE))).toBeUndefined();
});

test("asks at once for chunk 0 when only it is missing and it came too early, once", () => {
  const requests = requestsOf();
  const missing = missingOf(1);
  expect(requestIn(requests.chunkWritten(missing, ONLINE))).toBeUndefined();
  requests.chunkZeroCameEarly();
  expect(requestIn(requests.chunkWritten(missingOf(2), ONLINE))).toBeUndefined();
  expect(requestIn(requests.chunkWritten(missing, ONLINE))?.missing).toEqual([[0, 1]]);
  expect(requestIn(requests.chunkWritten(missing, ONLINE))).toBeUndefined();
});
