import type { LineDirection } from "../fault/fault.ts";
import type { LineFaults } from "../fault/line-faults.ts";

/** Receivers of a line's bytes and of its end. */
export interface LineEnds {
  readonly deliver: Readonly<Record<LineDirection, (bytes: Uint8Array) => void>>;
  readonly onUnplug: () => void;
}

interface Lane {
  /** Delayed bytes during a stall. */
  late: Uint8Array[] | undefined;
  timer: NodeJS.Timeout | undefined;
}

/** A serial line with faults, which delivers at one end what remains of the bytes sent at the other. */
export class CableLine {
  readonly #faults: LineFaults;
  readonly #ends: LineEnds;
  readonly #lanes: Record<LineDirection, Lane> = {
    "to-board": { late: undefined, timer: undefined },
    "to-host": { late: undefined, timer: undefined },
  };

  constructor(faults: LineFaults, ends: LineEnds) {
    this.#faults = faults;
    this.#ends = ends;
  }

  send(direction: LineDirection, bytes: Uint8Array): void {
    const lane = this.#lanes[direction];
    for (const outcome of this.#faults.outcomesOf(direction, bytes)) {
      if (outcome.type === "unplug") {
        this.clear();
        this.#ends.onUnplug();
        return;
      }
      if (outcome.type === "stall") this.#stall(direction, outcome.durationMs);
      else if (lane.late === undefined) this.#ends.deliver[direction](outcome.bytes);
      else lane.late.push(outcome.bytes);
    }
  }

  /** Drops all bytes in transit. */
  clear(): void {
    for (const lane of Object.values(this.#lanes)) {
      clearTimeout(lane.timer);
      lane.late = undefined;
    }
  }

  /** Starts or extends a stall. */
  #stall(direction: LineDirection, durationMs: number): void {
    const lane = this.#lanes[direction];
    lane.late ??= [];
    clearTimeout(lane.timer);
    lane.timer = setTimeout(() => {
      const { late = [] } = lane;
      lane.late = undefined;
      for (const bytes of late) this.#ends.deliver[direction](bytes);
    }, durationMs);
  }
}
