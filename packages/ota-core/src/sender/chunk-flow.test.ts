import { expect, test } from "vitest";
import type { ChunkRange } from "../bitmap.ts";
import { CHUNK_SIZE } from "../messages/timing.ts";
import type { DeviceRequest } from "../schemas/types.generated.ts";
import { ChunkFlow } from "./chunk-flow.ts";
import { DeviceLedger } from "./device-ledger.ts";

const COUNT = 6;

function flowOf(window = 2, rate = 0): { flow: ChunkFlow; ledger: DeviceLedger } {
  const ledger = new DeviceLedger({ named: [], limit: 10, chunkCount: COUNT });
  return { ledger, flow: new ChunkFlow({ chunkCount: COUNT, sizeBytes: COUNT * CHUNK_SIZE, window, rate, ledger }) };
}

function request(missing: ChunkRange[], changes: Partial<DeviceRequest> = {}): DeviceRequest {
  const ranges = missing.map(([first, count]): [number, number] => [first, count]);
  const missing_count = missing.reduce((sum, [, count]) => sum + count, 0);
  return { protocol: 1, image: "00".repeat(16), missing: ranges, missing_count, window: 0, unicast: false, ...changes };
}

test("sends nothing before the round begins, and no more than the window holds", () => {
  const { flow, ledger } = flowOf();
  expect(flow.ask(ledger.hear("a", 0), request([[0, COUNT]]), 0)).toBe("taken");
  expect(flow.next(0)).toBeUndefined();
  flow.beginRound(0);
  for (const id of [1, 2]) {
    expect(flow.next(0)).toEqual({ type: "chunk", index: id, device: undefined });
    flow.sent(id, id, undefined);
  }
  expect(flow.next(0)).toBeUndefined();
  flow.drained(1);
  expect(flow.next(0)).toMatchObject({ index: 3 });
});

test("merges a second request into the round that gathers", () => {
  const { flow, ledger } = flowOf(COUNT);
  flow.ask(ledger.hear("a", 0), request([[1, 2]]), 0);
  expect(flow.ask(ledger.hear("b", 0), request([[2, 2]]), 0)).toBe("merged");
  flow.beginRound(0);
  expect([1, 2, 3].map(() => flow.next(0))).toMatchObject([{ index: 1 }, { index: 2 }, { index: 3 }]);
  expect(flow.next(0)).toBeUndefined();
});

test("finds a chunk on its way until it is drained or rewound", () => {
  const { flow, ledger } = flowOf();
  flow.ask(ledger.hear("a", 0), request([[1, 2]]), 0);
  flow.beginRound(0);
  flow.next(0);
  flow.sent(7, 1, undefined);
  expect(flow.find(7)).toEqual({ index: 1, device: undefined });
  flow.rewind();
  expect(flow.find(7)).toBeUndefined();
  flow.beginRound(0);
  expect(flow.next(0), "what was on its way goes out again first").toMatchObject({ index: 1 });
});

test("a device that requests alone gets nothing that was sent to all within a second, and no chunk 0 before that", () => {
  const { flow, ledger } = flowOf(COUNT);
  flow.ask(ledger.hear("a", 0), request([[1, 2]]), 0);
  flow.beginRound(0);
  for (const index of [1, 2]) expect(flow.next(0)).toEqual({ type: "chunk", index, device: undefined });
  const alone = () => request([[0, 4]], { unicast: true });
  flow.ask(ledger.hear("b", 0), alone(), 999);
  expect(flow.next(999)).toEqual({ type: "chunk", index: 3, device: "b" });
  expect(flow.next(999)).toBeUndefined();
  expect(flow.ask(ledger.hear("b", 0), request([[0, 3]], { unicast: true }), 999)).toBe("merged");
  flow.ask(ledger.hear("b", 0), alone(), 1_000);
  expect([1, 2, 3, 0].map(() => flow.next(1_000))).toMatchObject([
    { index: 1, device: "b" },
    { index: 2, device: "b" },
    { index: 3, device: "b" },
    { index: 0, device: "b" },
  ]);
});

test("a device that requests alone gets at once what was sent to all before the connection was lost", () => {
  const { flow, ledger } = flowOf(COUNT);
  flow.ask(ledger.hear("a", 0), request([[1, 1]]), 0);
  flow.beginRound(0);
  flow.next(0);
  flow.rewind();
  expect(flow.ask(ledger.hear("b", 0), request([[1, 1]], { unicast: true }), 10)).toBe("taken");
});

test("without a rate, what another publisher sent to all is on its way until the broker has passed it on", () => {
  const ledger = new DeviceLedger({ named: [], limit: 5_000, chunkCount: COUNT });
  const options = { chunkCount: COUNT, sizeBytes: COUNT * CHUNK_SIZE, window: COUNT, rate: 0, ledger };
  const flow = new ChunkFlow({ ...options, joinRandom: () => 0 });
  for (let device = 0; device < 5_000; device++) ledger.hear(`bench-${device}`, 0);
  for (let index = 0; index < COUNT; index++) flow.hear(index, true, 0);
  const alone = request([[1, 1]], { unicast: true });
  expect(flow.ask(ledger.hear("bench-1", 0), alone, 2_000)).toBe("merged");
  expect(flow.ask(ledger.hear("bench-1", 0), alone, 3_000)).toBe("taken");
});

test("answers a device that requests alone at once, on its own topic", () => {
  const { flow, ledger } = flowOf();
  expect(flow.ask(ledger.hear("a", 0), request([[3, 1]], { unicast: true }), 0)).toBe("taken");
  expect(flow.next(0)).toEqual({ type: "chunk", index: 3, device: "a" });
});

test("says when the pace lets the next chunk go", () => {
  const { flow, ledger } = flowOf(COUNT, 1_000);
  flow.ask(ledger.hear("a", 0), request([[1, 5]]), 0);
  flow.beginRound(0);
  for (let sent = 0; sent < 4; sent++) expect(flow.next(0)).toMatchObject({ type: "chunk" });
  const next = flow.next(0);
  expect(next).toMatchObject({ type: "wait" });
  expect(next?.type === "wait" && next.until).toBeGreaterThan(0);
});

test("refuses a request for chunks that the image does not have", () => {
  const { flow, ledger } = flowOf();
  expect(flow.ask(ledger.hear("a", 0), request([[COUNT, 3]]), 0)).toBe("malformed");
});

const taken = (flow: ChunkFlow): number[] => {
  const indices: number[] = [];
  for (let next = flow.next(0); next?.type === "chunk"; next = flow.next(0)) indices.push(next.index);
  return indices;
};

test("sends at most the window that a device names if there is no rate limit", () => {
  const { flow, ledger } = flowOf(COUNT);
  flow.ask(ledger.hear("a", 0), request([[0, COUNT]], { window: 2 }), 0);
  flow.beginRound(0);
  expect(taken(flow)).toEqual([1, 2]);
  flow.ask(
    ledger.hear("a", 0),
    request(
      [
        [0, 1],
        [3, 1],
      ],
      { window: 2 },
    ),
    0,
  );
  flow.beginRound(0);
  expect(taken(flow), "chunk 0 comes last, and only with all others").toEqual([3, 0]);
});

test("passes over the window of a device in a round that keeps to a pace", () => {
  const { flow, ledger } = flowOf(COUNT, 1_000_000);
  flow.ask(ledger.hear("a", 0), request([[1, 4]], { window: 2 }), 0);
  flow.beginRound(0);
  expect(taken(flow)).toEqual([1, 2, 3, 4]);
});

test("has at most one second of its rate in flight", () => {
  const { flow, ledger } = flowOf(COUNT, 2 * (CHUNK_SIZE + 20));
  flow.ask(ledger.hear("a", 0), request([[1, 5]]), 0);
  flow.beginRound(0);
  for (const id of [1, 2]) {
    expect(flow.next(0)).toMatchObject({ type: "chunk" });
    flow.sent(id, id, undefined);
  }
  expect(flow.next(60_000)).toBeUndefined();
  flow.drained(1);
  expect(flow.next(60_000)).toMatchObject({ type: "chunk", index: 3 });
});

test("sends a device far behind the others nothing that the next round sends anyway", () => {
  const ledger = new DeviceLedger({ named: [], limit: 30, chunkCount: COUNT });
  const flow = new ChunkFlow({ chunkCount: COUNT, sizeBytes: COUNT * CHUNK_SIZE, window: COUNT, rate: 0, ledger });
  for (let device = 0; device < 24; device++)
    flow.ask(ledger.hear(`near-${device}`, 0), request([[1 + (device % 3), 1]]), 0);
  expect(flow.ask(ledger.hear("far", 1_000), request([[1, 3]]), 1_000)).toBe("merged");
  expect(flow.ask(ledger.hear("farther", 1_000), request([[1, 4]]), 1_000)).toBe("taken");
  expect(flow.next(1_000), "no other device waits for it").toEqual({ type: "chunk", index: 4, device: "farther" });
  expect(flow.next(1_000)).toBeUndefined();
  flow.beginRound(1_000);
  expect([1, 2, 3].map(() => flow.next(1_000))).toEqual(
    [1, 2, 3].map((index) => ({ type: "chunk", index, device: undefined })),
  );
});
