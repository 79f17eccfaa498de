import { expect, test } from "vitest";
import {
  SenderBench as Bench,
  CHUNKS,
  ENVELOPE,
  IMAGE,
  IMAGE_ID,
  IMAGE_TOPIC,
  optionsOf,
  ROOT,
  requestOf,
} from "../../test/sender-bench.ts";
import { buildChunk } from "../messages/chunk.ts";
import { buildHashList } from "../messages/hash-list.ts";
import { CHUNK_SIZE } from "../messages/timing.ts";
import type { SenderOptions } from "./sender-options.ts";

const HASHES_TOPIC = `${ROOT}/v1/image/${IMAGE_ID}/hashes`;
const OFFER_TOPIC = `${ROOT}/v1/offer`;
const ASCENDING = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0];
/** Longest wait of a publisher that joined, and the time in which requests gather. */
const TURN_MS = 6_200;

/** A sender that joined an offer which the broker retains, and has read it. */
function joined(changes: Partial<SenderOptions> = {}, random = 0.5): Bench {
  const bench = new Bench(optionsOf({ join: { random: () => random }, ...changes }));
  bench.retained.set(HASHES_TOPIC, buildHashList(IMAGE)).set(OFFER_TOPIC, ENVELOPE);
  bench.give({ type: "start" });
  bench.give({ type: "connected" });
  return bench;
}

function hear(bench: Bench, index: number, isForAll = true, image = IMAGE_ID): void {
  const bytes = IMAGE.subarray(index * CHUNK_SIZE, (index + 1) * CHUNK_SIZE);
  bench.give({ type: "chunk", payload: buildChunk({ image, index, bytes }), isForAll });
}

test("joins without a message, and listens to the chunks of others", () => {
  const bench = joined();
  bench.wait(60_000);
  expect(bench.published).toEqual([]);
  expect(bench.subscribed).toContain(IMAGE_TOPIC);
  expect(bench.subscribed).toContain(`${ROOT}/v1/device/+/chunk`);
  expect(Bench.serving().subscribed.filter((topic) => topic.endsWith("/chunk"))).toEqual([]);
});

test("answers a request that nobody answers, and the next one without a wait", () => {
  const bench = joined();
  bench.request("bench-1");
  bench.wait(4_699);
  expect(bench.chunks).toEqual([]);
  bench.wait(1);
  expect(bench.indices).toEqual(ASCENDING);
  for (const index of bench.indices) hear(bench, index);
  bench.wait(30_000);
  bench.request("bench-1", requestOf([[4, 1]]));
  bench.wait(200);
  expect(bench.indices).toEqual([...ASCENDING, 4]);
});

test("does not answer a request that another publisher answers, on either topic", () => {
  for (const isForAll of [true, false]) {
    const bench = joined();
    bench.request("bench-1", requestOf([[0, CHUNKS]], { unicast: !isForAll }));
    bench.wait(1_000);
    for (const index of ASCENDING) hear(bench, index, isForAll);
    bench.wait(60_000);
    expect(bench.chunks).toEqual([]);
  }
});

test("stops within a round as soon as it hears another publisher", () => {
  const bench = joined({ window: 1 });
  bench.request("bench-1");
  bench.hold = true;
  bench.wait(TURN_MS);
  bench.drain();
  expect(bench.indices).toEqual([1, 2]);
  hear(bench, 1);
  hear(bench, 7);
  bench.hold = false;
  bench.drain();
  bench.wait(60_000);
  expect(bench.indices).toEqual([1, 2]);
  bench.request("bench-1", requestOf([[3, 2]]));
  bench.wait(TURN_MS);
  expect(bench.indices).toEqual([1, 2, 3, 4]);
});

test("gives devices back the credit of what it did not send", () => {
  const bench = joined({ expected: {} });
  for (let round = 0; round < 10; round++) {
    bench.request("bench-1", requestOf([[0, CHUNKS]], { unicast: round % 2 === 0 }));
    bench.wait(1_000);
    hear(bench, 5);
  }
  bench.wait(60_000);
  bench.request("bench-1");
  bench.wait(TURN_MS);
  expect(bench.indices).toEqual(ASCENDING);
  expect(bench.sender.stats.dropped["no-credit"]).toBe(0);
});

test("publishes what the broker lost, the hash list first, and nothing that it still has", () => {
  const bench = joined();
  bench.retained.clear();
  bench.give({ type: "disconnected" });
  bench.give({ type: "connected" });
  bench.report("bench-1", "downloading");
  bench.wait(4_999);
  expect(bench.published).toEqual([]);
  bench.wait(2_000);
  expect(bench.published.map(({ topic, retain }) => [topic, retain])).toEqual([
    [HASHES_TOPIC, true],
    [OFFER_TOPIC, true],
  ]);
  expect(bench.retained.get(OFFER_TOPIC)).toEqual(ENVELOPE);
  bench.wait(60_000);
  expect(bench.published).toHaveLength(2);
  expect(bench.outcome).toBeUndefined();
});

test("goes on although the broker does not give back what it restored", () => {
  const bench = joined();
  bench.forgetful = true;
  bench.retained.clear();
  bench.give({ type: "disconnected" });
  bench.give({ type: "connected" });
  bench.wait(60_000);
  expect(bench.outcome).toBeUndefined();
  bench.request("bench-1");
  bench.wait(TURN_MS);
  expect(bench.indices).toEqual(ASCENDING);
});

test("does not take messages for chunks that are none, or of another image", () => {
  const bench = joined();
  bench.request("bench-1");
  bench.wait(3_000);
  bench.give({ type: "chunk", payload: new Uint8Array(30), isForAll: true });
  hear(bench, 3, true, "0".repeat(32));
  bench.give({
    type: "chunk",
    payload: buildChunk({ image: IMAGE_ID, index: CHUNKS, bytes: IMAGE.subarray(0, 10) }),
    isForAll: true,
  });
  bench.wait(1_700);
  expect(bench.indices).toEqual(ASCENDING);
  expect(bench.sender.stats.dropped).toMatchObject({ malformed: 1, "other-image": 1 });
});

test("a publisher that made the offer passes over chunks that it hears", () => {
  const bench = Bench.serving();
  bench.request("bench-1");
  hear(bench, 3);
  bench.wait(200);
  expect(bench.indices).toEqual(ASCENDING);
});
