/** When power goes, seen from the flash operation it hits. */
export type CutMoment = "before" | "during" | "after";

/** A power cut to come: which operation it hits, when, and what the cells are left as. */
export interface CutPlan {
  /** The n-th page program or sector erase from now; 1 is the next one. */
  readonly operation: number;
  readonly moment: CutMoment;
  /**
   * For `during`: the name of a tear, see `eraseCutVariants`, `programCutVariants`, the single bits of
   * `freedBitVariants` and `missedBitVariants`, and `numberedTear`. Without one the seed chooses among the first two.
   */
  readonly variant?: string;
  /** Decides what a random tear leaves, and when weak cells give way; 0 without one. */
  readonly seed?: number;
}

/**
 * Power is gone. Thrown by the flash access that the cut hit and by every access until power is back.
 *
 * Not an `OtaError`: it stands for the software's own end. Software under test never catches it.
 */
export class PowerCut extends Error {
  override readonly name: string = "PowerCut";
  /** The flash's operation count at the cut: which page program or sector erase of its life was hit. */
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
