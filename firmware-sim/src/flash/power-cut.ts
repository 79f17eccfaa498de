/** Moment of a power cut, relative to the flash operation that it hits. */
export type CutMoment = "before" | "during" | "after";

/** A planned power cut: which operation it hits, when, and what it leaves in the cells. */
export interface CutPlan {
  /** Number of the page program or sector erase, counted from now; 1 is the next one. */
  readonly operation: number;
  readonly moment: CutMoment;
  /**
   * For `during`: the name of a tear. See `eraseCutVariants`, `programCutVariants`, the single bits of
   * `freedBitVariants` and `missedBitVariants`, and `numberedTear`. Without it the seed picks one of the first two lists.
   */
  readonly variant?: string | undefined;
  /**
   * Decides what a random tear leaves, and when weak cells flip.
   *
   * @defaultValue 0
   */
  readonly seed?: number | undefined;
}

/**
 * Signals that power is gone. Thrown by the flash access that the cut hits and by every access until power is back.
 *
 * Not an `OtaError`: it ends the software under test, which never catches it.
 */
export class PowerCut extends Error {
  override readonly name: string = "PowerCut";
  /** The flash's operation count at the cut. */
  readonly operation: number;
  readonly moment: CutMoment;
  /** The tear that was applied, for `during`. */
  readonly variant: string | undefined;

  constructor(operation: number, moment: CutMoment, variant?: string) {
    super(`power cut ${moment} flash operation ${operation}${variant === undefined ? "" : ` (${variant})`}`);
    this.operation = operation;
    this.moment = moment;
    this.variant = variant;
  }
}
