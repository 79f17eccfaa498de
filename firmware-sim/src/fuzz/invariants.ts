/**
 * What must hold in every world.
 *
 * At each step, whatever fails:
 *
 * - `bootable`: a device starts at every power-on, never panics, and keeps its identity.
 * - `known-image`: the running image is the one before the update, or the one that is offered, whole.
 * - `starts`: a new image starts at most twice before it is confirmed.
 * - `once`: an offer that ended on a device does not begin again.
 * - `offline`: neither side publishes or subscribes without a connection.
 * - `patient`: a device asks ever more rarely while nothing useful comes.
 * - `answered`: a publisher that rests has answered every request it could afford.
 * - `asked`: a publisher sends a chunk only as often as requests and lost connections explain.
 * - `paced`: a publisher keeps to its rate, and is slower only if something was lost.
 * - `bounded`: queues, windows and waiting events stay within their limits.
 *
 * After the faults have ended:
 *
 * - `settled`: every device that has power comes to an end of the offer within the budget.
 * - `outcome`: an end other than `confirmed` has a cause in the world.
 * - `frugal`: where nothing was lost, the delivery cost little more than one image, and one for each device that came
 *   after the spread.
 */
export type WorldInvariant =
  | "bootable"
  | "known-image"
  | "starts"
  | "once"
  | "offline"
  | "patient"
  | "answered"
  | "asked"
  | "paced"
  | "bounded"
  | "settled"
  | "outcome"
  | "frugal"
  /** The simulator itself, or a machine in it, threw. */
  | "exception";

/** An invariant that did not hold. */
export interface WorldFailure {
  readonly invariant: WorldInvariant;
  readonly message: string;
  /** Virtual time, in milliseconds. */
  readonly atMs: number;
}

/** Thrown by a check; ends the run. */
export class BrokenInvariant extends Error {
  readonly invariant: WorldInvariant;

  constructor(invariant: WorldInvariant, message: string) {
    super(message);
    this.invariant = invariant;
  }
}
