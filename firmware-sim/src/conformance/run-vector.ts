import { type ActionDifference, compareActions } from "./compare-actions.ts";
import type { Vector, VectorHeader, VectorObject } from "./vector.ts";
import { vectorImage } from "./vector-image.ts";
import { VectorJson } from "./vector-json.ts";

/** A receiver under test. */
export interface JudgedReceiver {
  /** Begins a vector with a new device. */
  begin(header: VectorHeader): Promise<void>;
  /** Handles an event. @returns The device's actions, in order. */
  handle(event: VectorObject): Promise<readonly VectorObject[]>;
}

/** The first step in which a receiver's actions differ from the vector. */
export interface VectorFailure extends ActionDifference {
  readonly name: string;
  readonly rule: string;
  /** Line of the vector file, counted from 1. */
  readonly line: number;
  readonly event: VectorObject;
}

/**
 * Runs a vector.
 *
 * @returns The first failure; `undefined` if all actions agree with the vector.
 */
export async function runVector(
  { header, steps }: Vector,
  receiver: JudgedReceiver,
): Promise<VectorFailure | undefined> {
  const json = new VectorJson(vectorImage(header.image.size, header.image.seed));
  const canonical = (actions: readonly VectorObject[]): readonly VectorObject[] =>
    actions.map((it) => json.canonical(it));
  await receiver.begin(header);
  for (const [index, { event, actions }] of steps.entries()) {
    const found = compareActions(canonical(actions), canonical(await receiver.handle(event)));
    if (found === undefined) continue;
    const { name, rule } = header;
    return { name, rule, line: index + 2, event, ...found };
  }
  return undefined;
}
