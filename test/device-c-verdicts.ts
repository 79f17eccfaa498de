import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { expect } from "vitest";
import { hostProgram } from "./device-c-build.ts";

/** One input of a codec: an argument is bytes, text or a number. */
export type CodecCase = (Uint8Array | string | number)[];

/** Inputs that go through the program together, since starting it takes longer than judging. */
const BATCH = 200;

/** Batches of a property. */
const RUNS = 15;

/**
 * Checks that the device's codec in C and a reference give the same verdict on generated inputs.
 *
 * @param codec - Name of the codec in `host/verdict.c`.
 * @param inputs - Generator of the codec's arguments.
 * @param reference - Returns the verdict as `host/verdict.c` prints it.
 * @param isAccepted - Returns `true` for a verdict that is not a refusal. Some inputs must be accepted, and some
 *   refused.
 */
export function expectSameVerdicts<Case extends CodecCase>(
  codec: string,
  inputs: fc.Arbitrary<Case>,
  reference: (...input: Case) => string,
  isAccepted: (verdict: string) => boolean = (verdict) => verdict !== "no",
): void {
  const counts = { accepted: 0, refused: 0 };
  fc.assert(
    fc.property(fc.array(inputs, { minLength: BATCH, maxLength: BATCH }), (cases) => {
      const expected = cases.map((input) => reference(...input));
      for (const verdict of expected) counts[isAccepted(verdict) ? "accepted" : "refused"]++;
      const actual = verdictsOf(codec, cases);
      const first = expected.findIndex((verdict, index) => verdict !== actual[index]);
      if (first === -1) return;
      expect({ input: cases[first], verdict: actual[first] }).toEqual({
        input: cases[first],
        verdict: expected[first],
      });
    }),
    { numRuns: RUNS, endOnFailure: true, reporter: (details) => throwFirst(details.errorInstance, details.seed) },
  );
  expect(counts.accepted).toBeGreaterThan(RUNS);
  expect(counts.refused).toBeGreaterThan(RUNS);
}

/** Throws the first difference alone: a batch of inputs would fill the screen. */
function throwFirst(difference: unknown, seed: number): void {
  if (difference instanceof Error) throw new Error(`seed ${seed}`, { cause: difference });
}

/** Returns the verdicts of the codec in C, in order. */
export function verdictsOf(codec: string, cases: readonly CodecCase[]): readonly string[] {
  const input = cases.map((input) => `${codec} ${input.map(encode).join(" ")}\n`).join("");
  const { status, stdout, stderr } = spawnSync(hostProgram("verdict"), {
    input,
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(stderr);
  return stdout.split("\n").slice(0, -1);
}

function encode(argument: Uint8Array | string | number): string {
  const bytes = typeof argument === "number" ? Buffer.from(String(argument)) : Buffer.from(argument);
  return bytes.length === 0 ? "-" : bytes.toString("hex");
}
