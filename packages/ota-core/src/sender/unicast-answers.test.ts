import { expect, test } from "vitest";
import { chooseUnicast, UNICAST_ANSWERS_MAX, UNICAST_CHUNKS_MAX, UnicastAnswers } from "./unicast-answers.ts";

function drain(answers: UnicastAnswers): [device: string, index: number][] {
  const taken: [string, number][] = [];
  for (let next = answers.peek(); next !== undefined; next = answers.peek()) {
    taken.push([next.device, next.index]);
    answers.take();
  }
  return taken;
}

test.for([
  [[[0, 3]], 8, [1, 2, 0]],
  [[[0, 3]], 3, [1, 2, 0]],
  [[[0, 3]], 2, [1, 2]],
  [[[0, 1]], 1, [0]],
  [
    [
      [4, 2],
      [9, 9],
    ],
    4,
    [4, 5, 9, 10],
  ],
  [
    [
      [0, 1],
      [9, 1],
    ],
    1,
    [9],
  ],
] as [[number, number][], number, number[]][])(
  "merges %j with an answer of %i chunks to %j",
  ([ranges, limit, chunks]) => {
    expect(chooseUnicast(ranges, limit)).toEqual(chunks);
  },
);

test("a newer answer replaces the older one", () => {
  const answers = new UnicastAnswers();
  answers.put("a", [1, 2, 3]);
  answers.put("b", [7]);
  expect(answers.waiting("a")).toBe(3);
  answers.put("a", [5, 0]);
  expect(drain(answers)).toEqual([
    ["a", 5],
    ["a", 0],
    ["b", 7],
  ]);
});

test("keeps the order of added chunks, with chunk 0 last", () => {
  const answers = new UnicastAnswers();
  answers.put("a", [3, 4]);
  answers.add("a", [0, 2, 3]);
  expect(drain(answers)).toEqual([
    ["a", 2],
    ["a", 3],
    ["a", 4],
    ["a", 0],
  ]);
});

test("answers are bounded in number and in size", () => {
  const answers = new UnicastAnswers();
  answers.put(
    "d0",
    Array.from({ length: 1_000 }, (_, index) => index),
  );
  expect(answers.waiting("d0")).toBe(UNICAST_CHUNKS_MAX);
  for (let device = 0; device < UNICAST_ANSWERS_MAX; device++) answers.put(`d${device}`, [1]);
  expect(answers.hasRoom("d0")).toBe(true);
  expect(answers.hasRoom("another")).toBe(false);
  answers.add("another", [1]);
  expect(answers.waiting("another")).toBe(0);
});
