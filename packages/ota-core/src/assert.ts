/**
 * Stops the program where our own code is wrong. Never for input: bad input gets an `OtaError`.
 *
 * @param condition - What must hold.
 * @param why - Why it holds, for the reader of the failure.
 */
export function assert(condition: unknown, why: string): asserts condition {
  if (!condition) throw new Error(`Bug in tinybms: ${why}`);
}
