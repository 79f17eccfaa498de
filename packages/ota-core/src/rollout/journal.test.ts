import fc from "fast-check";
import { expect, test } from "vitest";
import { EMPTY_JOURNAL, journalLine, readJournal } from "./journal.ts";
import type { RolloutRecord } from "./rollout-record.ts";

const FIRST: RolloutRecord = {
  type: "rollout",
  at: 1,
  subject: { product: "gateway", version: "1.2.3", topic: "t", image: "ab".repeat(32) },
  plan: { stages: [1000], salt: "5a17", hold: 0, abortPermille: 20, abortMin: 3, stageTimeoutMs: 1000 },
};
const REST: readonly RolloutRecord[] = [
  { type: "offer", at: 2, stage: 0, offer: { id: "1", counter: [1, 1], parts: [] } },
  { type: "ended", at: 3, stage: 0, device: "gw-1", end: "failed", error: { code: "x/y", message: "line\nfeed" } },
  { type: "complete", at: 4 },
];

function textOf(records: readonly RolloutRecord[]): string {
  let { hash } = EMPTY_JOURNAL;
  let text = "";
  for (const record of records) {
    const next = journalLine(hash, record);
    text += next.line;
    hash = next.hash;
  }
  return text;
}

const WHOLE = textOf([FIRST, ...REST]);
const LINES = WHOLE.split("\n").slice(0, -1);

test("reads a journal as it was written", () => {
  const journal = readJournal(WHOLE, "j");
  expect(journal.records).toEqual([FIRST, ...REST]);
  expect(journal.sizeBytes).toBe(WHOLE.length);
  expect(textOf(journal.records)).toBe(WHOLE);
});

test("continues from the last complete line of a truncated journal", () => {
  for (let size = 0; size <= WHOLE.length; size++) {
    const { records, sizeBytes } = readJournal(WHOLE.slice(0, size), "j");
    const whole = WHOLE.slice(0, size).lastIndexOf("\n") + 1;
    expect(sizeBytes).toBe(whole);
    expect(records).toEqual([FIRST, ...REST].slice(0, records.length));
  }
});

test("a changed, removed, repeated or exchanged line is refused with its number", () => {
  const damaged = (lines: readonly string[], line: number): void =>
    expect(() => readJournal(lines.map((text) => `${text}\n`).join(""), "j.jsonl")).toThrow(
      expect.objectContaining({ code: "journal/damaged", details: { file: "j.jsonl", line } }),
    );
  const [first = "", second = "", third = "", fourth = ""] = LINES;
  damaged([first, second.replace('"stage":0', '"stage":1'), third, fourth], 3);
  damaged([first, third, fourth], 2);
  damaged([first, second, second, third], 3);
  damaged([first, third, second], 2);
  damaged([second], 1);
  damaged([first, "{}"], 2);
  damaged([first, "not JSON"], 2);
  damaged([first, ""], 2);
  damaged([first, "[1]", third], 2);
});

test("a line whose hash is right and whose members are wrong is refused", () => {
  for (const record of [
    { type: "ended", at: 1, stage: 0, device: 7, end: "failed" },
    { type: "offer", at: 1, stage: 0, offer: { id: "1", counter: [1], parts: [] } },
    { type: "offer", at: 1, stage: 0, offer: { id: "1", counter: [1, 1], parts: [{ topics: [1], envelope: "" }] } },
    { type: "settled", at: 1, stage: 0 },
    { type: "unknown", at: 1 },
    { at: 1 },
  ]) {
    const first = journalLine(EMPTY_JOURNAL.hash, FIRST);
    const text = first.line + journalLine(first.hash, record as unknown as RolloutRecord).line;
    expect(() => readJournal(text, "j")).toThrow(
      expect.objectContaining({ code: "journal/damaged", details: { file: "j", line: 2 } }),
    );
  }
});

test("a line of a newer version of the tool is refused as such", () => {
  const newer = `${LINES[0]?.replace('"journal":1', '"journal":2')}\n`;
  expect(() => readJournal(newer, "j")).toThrow(expect.objectContaining({ code: "journal/newer" }));
});

test("no text makes the reader throw anything but its own errors", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        readJournal(`${text}\n`, "j");
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^journal\//) });
      }
    }),
  );
});
