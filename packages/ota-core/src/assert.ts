/**
 * Throws if an invariant of this code does not hold. Not for input: bad input gets an {@link OtaError}.
 *
 * @param condition - The invariant.
 * @param why - Reason why it must hold, for the error message.
 * @throws Error if `condition` is falsy.
 */
export function assert(condition: unknown, why: string): asserts condition {
  if (!condition) throw new Error(`Bug in tinybms: ${why}`);
}
