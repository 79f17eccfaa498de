import { isOtaError } from "@tinybms/ota-core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { faultsOf } from "./fault.ts";
import { parseFault, parseFaultsJson } from "./parse-fault.ts";

test.for([
  [
    "bench-2:power-cut@operation=1500,moment=after",
    { type: "power-cut", device: "bench-2", operation: 1500, moment: "after", offMs: 500 },
  ],
  [
    "bench-2:power-cut@at=50%,variant=prefix-half,seed=7,offMs=10",
    { type: "power-cut", device: "bench-2", at: 0.5, moment: "during", seed: 7, offMs: 10 },
  ],
  ["bench-3:self-test=fail", { type: "self-test", device: "bench-3", outcome: "fail" }],
  // A version that looks like a number stays text.
  ["b*:self-test=hang,version=1.10", { type: "self-test", device: "b*", outcome: "hang", version: "1.10" }],
  ["*:lose=chunk,probability=0.1", { type: "lose", device: "*", message: "chunk", probability: 0.1 }],
  ["*:duplicate", { type: "duplicate", device: "*", message: "any", probability: 0.1 }],
  ["a:delay=state,delayMs=20", { type: "delay", device: "a", message: "state", probability: 0.1, delayMs: 20 }],
  [
    "bench-1:line-flip=to-board,probability=0.0001",
    { type: "line-flip", device: "bench-1", direction: "to-board", probability: 0.0001 },
  ],
  ["a:line-unplug=to-host,atByte=7", { type: "line-unplug", device: "a", direction: "to-host", atByte: 7 }],
  [
    "a:line-stall=to-host,atByte=7,stallMs=50",
    { type: "line-stall", device: "a", direction: "to-host", atByte: 7, stallMs: 50 },
  ],
] as const)("parses %s", ([text, expected]) => {
  const known = text.replace("variant=prefix-half,", "");
  expect(parseFault(known)).toEqual(expected);
  expect(parseFaultsJson(JSON.stringify([expected]))).toEqual([expected]);
});

test.for([
  ["", "no device"],
  ["bench-1", "no device"],
  ["bench-1:explode", 'type is "explode"'],
  ["bench-1:power-cut", "either operation or at"],
  ["bench-1:power-cut@operation=1,at=50%", "either operation or at"],
  ["bench-1:power-cut@operation=0", "operation must be 1 or more"],
  ["bench-1:power-cut@operation=x", 'operation is "x"'],
  ["bench-1:power-cut@at=150%", "at is 1.5; it must be a number from 0 to 1"],
  ["bench-1:power-cut@operation=1,variant=none", "variant the name of a tear"],
  ["bench-1:power-cut@operation=1,operation=2", "comes twice"],
  ["bench-1:self-test", "outcome is missing"],
  ["bench-1:self-test=maybe", "pass, fail, hang"],
  ["bench-1:line-lose=to-board", "either atByte or probability"],
  ["bench-1:line-lose=up,atByte=1", "to-board, to-host"],
  ["bench-1:line-lose=to-board,atByte=0", "atByte is 0"],
  ["bench-1:lose=chunk,probabilty=0.5", '"probabilty" is not a member of this fault'],
] as const)("rejects %j: %s", ([text, why]) => {
  expect(() => parseFault(text)).toThrow(why);
});

test("parses any text, or rejects it with the grammar as a hint", () => {
  const parts = fc.constantFrom(
    "*",
    "a",
    ":",
    "@",
    "=",
    ",",
    "power-cut",
    "operation",
    "lose",
    "chunk",
    "1",
    "50%",
    "x",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(parts).map((list) => list.join("")),
      ),
      (text) => {
        for (const parse of [parseFault, parseFaultsJson]) {
          try {
            parse(text);
          } catch (error) {
            expect(isOtaError(error, "simulation/invalid-fault")).toBe(true);
          }
        }
      },
    ),
  );
});

test("applies faults to a device, to names with a prefix, or to every device", () => {
  const faults = ["bench-1:self-test=fail", "bench-*:duplicate", "*:lose"].map(parseFault);
  expect(faultsOf(faults, "bench-1")).toHaveLength(3);
  expect(faultsOf(faults, "bench-10").map(({ type }) => type)).toEqual(["duplicate", "lose"]);
  expect(faultsOf(faults, "other").map(({ type }) => type)).toEqual(["lose"]);
});
