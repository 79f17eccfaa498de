import { isObject, type VectorObject, type VectorValue } from "./vector.ts";

/** A difference between a receiver's actions and the vector. */
export interface ActionDifference {
  /** Path in the list of actions, for example `[2].topic`. */
  readonly path: string;
  readonly expected: VectorValue | undefined;
  readonly actual: VectorValue | undefined;
}

/**
 * Compares the actions of one step.
 *
 * Error texts and the counters of reports may differ; everything else must be equal and in the same order.
 *
 * @returns The first difference; `undefined` if the actions agree.
 */
export function compareActions(
  expected: readonly VectorObject[],
  actual: readonly VectorObject[],
): ActionDifference | undefined {
  return difference(withoutFree(expected), withoutFree(actual), "");
}

/** Removes the members that receivers may choose. */
function withoutFree(value: VectorValue): VectorValue {
  if (Array.isArray(value)) return value.map((item: VectorValue) => withoutFree(item));
  if (!isObject(value)) return value;
  const isReport = value.boot_count !== undefined && value.running_sha256 !== undefined;
  const members = Object.entries(value)
    .filter(([name]) => !(isReport && name === "stats"))
    .map(([name, member]) => {
      if (!isReport || name !== "error" || !isObject(member)) return [name, withoutFree(member)] as const;
      return [name, { code: member.code ?? null }] as const;
    });
  return Object.fromEntries(members);
}

function difference(
  expected: VectorValue | undefined,
  actual: VectorValue | undefined,
  path: string,
): ActionDifference | undefined {
  if (Array.isArray(expected) && Array.isArray(actual)) {
    return firstOf(Math.max(expected.length, actual.length), (index) =>
      difference(expected[index], actual[index], `${path}[${index}]`),
    );
  }
  if (isObject(expected) && isObject(actual)) {
    const names = [...new Set([...Object.keys(expected), ...Object.keys(actual)])];
    return firstOf(names.length, (index) => {
      const name = names[index] ?? "";
      return difference(expected[name], actual[name], `${path}.${name}`);
    });
  }
  return Object.is(expected, actual) ? undefined : { path, expected, actual };
}

function firstOf<Found>(count: number, find: (index: number) => Found | undefined): Found | undefined {
  for (let index = 0; index < count; index++) {
    const found = find(index);
    if (found !== undefined) return found;
  }
  return undefined;
}
