import fc from "fast-check";
import { expect, test } from "vitest";
import { Bitmap, type ChunkRange } from "../bitmap.ts";
import { judgeRequest, type Listener } from "./judge-request.ts";
import { SentChunks } from "./sent-chunks.ts";

const COUNT = 10;
const LAG_MS = 1_000;
const LAG = { ofDeviceMs: LAG_MS, ofAllMs: LAG_MS };

function listenerOf(changes: Partial<Listener> = {}): Listener {
  return { listeningFrom: 0, seenUntil: 0, lacked: undefined, askedAt: 0, ...changes };
}

/** Sends chunks 1 to 9 and 0, one each 100 ms from 0 on. */
function roundOf(): SentChunks {
  const sent = new SentChunks(COUNT);
  for (let chunk = 1; chunk <= COUNT; chunk++) sent.record(chunk % COUNT, (chunk - 1) * 100);
  return sent;
}

function ask(
  listener: Listener,
  ranges: ChunkRange[],
  sent: SentChunks,
  now: number,
  missingCount?: number,
  lag = LAG,
) {
  const listed = ranges.reduce((sum, [, count]) => sum + count, 0);
  return judgeRequest(listener, { ranges, missingCount: missingCount ?? listed }, sent, now, lag);
}

const allLacked = (): Bitmap => {
  const lacked = new Bitmap(COUNT);
  lacked.addAll();
  return lacked;
};

test("wants everything that was never sent", () => {
  const judged = ask(listenerOf(), [[0, COUNT]], new SentChunks(COUNT), 0);
  expect(judged).toEqual({ wanted: [[0, COUNT]], expected: 0, lost: 0 });
});

test("takes what was sent after a device began to listen to be on its way, as long as it is young", () => {
  expect(ask(listenerOf(), [[0, COUNT]], roundOf(), 1_000).wanted).toEqual([]);
  expect(ask(listenerOf({ listeningFrom: 4 }), [[0, COUNT]], roundOf(), 1_000).wanted).toEqual([[0, 5]]);
  expect(ask(listenerOf(), [[0, COUNT]], roundOf(), 1_350).wanted).toEqual([[0, 5]]);
  expect(ask(listenerOf({ listeningFrom: undefined }), [[3, 2]], roundOf(), 1_000).wanted).toEqual([[3, 2]]);
});

test("counts as lost what a device lacks of what was sent before a chunk that it has", () => {
  const listener = listenerOf({ lacked: allLacked() });
  const judged = ask(
    listener,
    [
      [0, 1],
      [2, 1],
      [6, 4],
    ],
    roundOf(),
    1_000,
  );
  expect(judged).toEqual({
    wanted: [
      [0, 1],
      [2, 1],
    ],
    expected: 5,
    lost: 1,
  });
  expect(listener.seenUntil).toBe(5);
});

test("does not count delayed chunks as lost", () => {
  const judged = ask(
    listenerOf({ lacked: allLacked() }),
    [
      [0, 1],
      [2, 8],
    ],
    roundOf(),
    1_000,
  );
  expect(judged).toEqual({ wanted: [], expected: 1, lost: 0 });
});

test("counts a chunk that was sent twice from its first position", () => {
  const sent = roundOf();
  sent.record(1, 950);
  const judged = ask(
    listenerOf({ lacked: allLacked() }),
    [
      [0, 1],
      [2, 8],
    ],
    sent,
    1_000,
  );
  expect(judged).toMatchObject({ wanted: [], lost: 0 });
});

test("wants chunk 0 when nothing else is missing, a second after it was sent", () => {
  const lag = { ofDeviceMs: 30_000, ofAllMs: 30_000 };
  const wantedAt = (now: number) => ask(listenerOf({ lacked: allLacked() }), [[0, 1]], roundOf(), now, 1, lag).wanted;
  expect(wantedAt(1_899)).toEqual([]);
  expect(wantedAt(1_900)).toEqual([[0, 1]]);
});

test("counts chunks in flight as missing at once after a lost connection", () => {
  const sent = roundOf();
  sent.settle();
  expect(ask(listenerOf(), [[0, COUNT]], sent, 901).wanted).toEqual([[0, COUNT]]);
});

test("what no device has seen yet may be on its way to all for longer", () => {
  const lag = { ofDeviceMs: 1_000, ofAllMs: 30_000 };
  const sent = roundOf();
  expect(ask(listenerOf(), [[0, COUNT]], sent, 20_000, COUNT, lag).wanted).toEqual([]);
  sent.seen(5);
  expect(ask(listenerOf(), [[0, COUNT]], sent, 20_000, COUNT, lag).wanted).toEqual([[0, 6]]);
  expect(ask(listenerOf(), [[0, COUNT]], sent, 31_000, COUNT, lag).wanted).toEqual([[0, COUNT]]);
});

test("takes what a request has no range for as missing", () => {
  const listener = listenerOf({ lacked: allLacked() });
  ask(
    listener,
    [
      [0, 1],
      [2, 1],
    ],
    roundOf(),
    1_000,
    8,
  );
  expect(listener.lacked?.ranges()).toEqual([
    [0, 1],
    [2, 8],
  ]);
});

test("delivers every chunk to a device that keeps requesting, in any order of requests and sends", () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: COUNT - 1 }), fc.boolean(), fc.nat(700)), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(steps, (events) => {
      const sent = new SentChunks(COUNT);
      const listener = listenerOf();
      const missing = allLacked();
      let now = 0;
      for (const [index, hasArrived, ms] of events) {
        now += ms;
        sent.record(index, now);
        if (hasArrived) missing.delete(index);
        const { wanted, expected, lost } = ask(listener, missing.ranges(), sent, now);
        expect(lost).toBeLessThanOrEqual(expected);
        for (const [first, count] of wanted) {
          for (let chunk = first; chunk < first + count; chunk++) expect(missing.has(chunk)).toBe(true);
        }
      }
      expect(ask(listener, missing.ranges(), sent, now + LAG_MS + 1).wanted).toEqual(missing.ranges());
    }),
  );
});
