import type { Random } from "../random/random.ts";
import { type Fault, faultsOf, type LineDirection, type LineFault, STALL_MS } from "./fault.ts";

/** Result of sending bytes, in order. */
export type LineOutcome =
  /** Bytes that arrive, altered or not. */
  | { readonly type: "pass"; readonly bytes: Uint8Array }
  /** Delays all that follows in this direction, in milliseconds. */
  | { readonly type: "stall"; readonly durationMs: number }
  /** The cable is unplugged: nothing follows. */
  | { readonly type: "unplug" };

/** Applies the line faults of one device to the bytes sent. */
export class LineFaults {
  readonly #faults: readonly LineFault[];
  readonly #random: Random;
  readonly #counts: Record<LineDirection, number> = { "to-board": 0, "to-host": 0 };

  constructor(faults: readonly Fault[], device: string, random: Random) {
    this.#faults = faultsOf(faults, device).filter((fault) => "direction" in fault);
    this.#random = random;
  }

  /** Counts the next bytes of a direction and returns what happens to them. */
  outcomesOf(direction: LineDirection, bytes: Uint8Array): readonly LineOutcome[] {
    const faults = this.#faults.filter((fault) => fault.direction === direction);
    if (faults.length === 0) return [{ type: "pass", bytes }];
    const outcomes: LineOutcome[] = [];
    let passing: number[] = [];
    const pass = () => {
      if (passing.length > 0) outcomes.push({ type: "pass", bytes: Uint8Array.from(passing) });
      passing = [];
    };
    for (const byte of bytes) {
      this.#counts[direction]++;
      let seen: number | undefined = byte;
      for (const fault of faults) {
        if (!this.#hits(fault)) continue;
        if (fault.type === "line-lose") seen = undefined;
        else if (fault.type === "line-flip" && seen !== undefined) seen ^= 1 << this.#random.integer(0, 7);
        else if (fault.type === "line-insert") passing.push(this.#random.integer(0, 0xff));
        else if (fault.type === "line-stall") {
          pass();
          outcomes.push({ type: "stall", durationMs: fault.stallMs ?? STALL_MS });
        } else if (fault.type === "line-unplug") {
          pass();
          return [...outcomes, { type: "unplug" }];
        }
      }
      if (seen !== undefined) passing.push(seen);
    }
    pass();
    return outcomes;
  }

  #hits({ direction, atByte, probability }: LineFault): boolean {
    if (atByte !== undefined) return this.#counts[direction] === atByte;
    return this.#random.bool(probability ?? 1);
  }
}
