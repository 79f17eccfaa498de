import { Choices, seedOf } from "./choices.ts";
import { mutate } from "./mutate.ts";

/** A parser and its first inputs. */
export interface FuzzTarget {
  /** Name of the function. */
  readonly name: string;
  /** Valid or nearly valid inputs. */
  readonly seeds: readonly Uint8Array[];
  /** Maximum size of an input, in bytes. */
  readonly sizeMax: number;
  /** Runs the parser on an input. It may throw only an `OtaError`. */
  readonly run: (bytes: Uint8Array) => void;
}

/** An error that a parser must not throw. */
export interface Finding {
  readonly target: string;
  readonly input: Uint8Array;
  readonly error: unknown;
}

/** Result of fuzzing one parser. */
export interface FuzzResult {
  readonly target: string;
  readonly executions: number;
  /** Inputs that reached a new branch or count. */
  readonly corpus: readonly Uint8Array[];
  readonly finding: Finding | undefined;
}

/** Callbacks of a run. */
export interface FuzzWatch {
  /** Called with the input before each execution. */
  readonly onInput: (input: Uint8Array) => void;
}

/** Classes of counts: how often a branch ran is distinguished this coarsely, as in AFL. */
const BUCKETS: Uint8Array = Uint8Array.from({ length: 256 }, (_, count) =>
  count === 0
    ? 0
    : count < 4
      ? 1 << (count - 1)
      : count < 8
        ? 8
        : count < 16
          ? 16
          : count < 32
            ? 32
            : count < 128
              ? 64
              : 128,
);

/**
 * Fuzzes a parser. Keeps inputs that reach a new branch, or reach one a new number of times, and mutates them further.
 * The same seed and number of executions give the same result.
 *
 * @param counters - Counters of the instrumented code with the parser.
 * @param isExpected - Whether a parser may throw this.
 * @returns With the first finding, after which the parser is not tried further.
 */
export function fuzzTarget(
  { name, seeds, sizeMax, run }: FuzzTarget,
  { executions, seed }: { readonly executions: number; readonly seed: number },
  counters: Uint8Array,
  isExpected: (error: unknown) => boolean,
  { onInput }: FuzzWatch = { onInput: () => undefined },
): FuzzResult {
  const random = new Choices(seedOf(seed, name));
  const seen = new Uint8Array(counters.length);
  const words = new Uint32Array(counters.buffer, counters.byteOffset, counters.length / 4);
  const corpus: Uint8Array[] = [];
  let finding: Finding | undefined;
  const execute = (input: Uint8Array): void => {
    onInput(input);
    counters.fill(0);
    try {
      run(input);
    } catch (error) {
      if (!isExpected(error)) finding = { target: name, input, error };
    }
    if (isNew(counters, words, seen)) corpus.push(input);
  };
  let done = 0;
  for (; done < executions && finding === undefined; done++) {
    const seedInput = seeds[done];
    if (seedInput !== undefined) {
      execute(seedInput);
      // An input that reaches nothing new is still a good start.
      if (corpus.at(-1) !== seedInput) corpus.push(seedInput);
    } else execute(mutate(choose(corpus, random), corpus, sizeMax, random));
  }
  return { target: name, executions: done, corpus, finding };
}

/** Prefers the latest inputs, which reached the most. */
function choose(corpus: readonly Uint8Array[], random: Choices): Uint8Array {
  const isRecent = random.below(2) === 0;
  return random.pick(isRecent ? corpus.slice(-8) : corpus);
}

/** Records the branches that an execution reached. Returns `true` if one of them, or its count, is new. */
function isNew(counters: Uint8Array, words: Uint32Array, seen: Uint8Array): boolean {
  let found = false;
  for (let word = 0; word < words.length; word++) {
    if (words[word] === 0) continue;
    for (let index = 4 * word; index < 4 * word + 4; index++) {
      const bucket = BUCKETS[counters[index] ?? 0] ?? 0;
      const before = seen[index] ?? 0;
      if ((before & bucket) === bucket) continue;
      seen[index] = before | bucket;
      found = true;
    }
  }
  return found;
}
