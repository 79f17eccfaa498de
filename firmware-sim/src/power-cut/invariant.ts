/**
 * Invariants that hold for every power cut: `docs/protocol.md` as far as one device shows it.
 *
 * - `bootable`: the device starts at every power-on and never panics.
 * - `known-image`: the running image is the one before the update or the one delivered, complete.
 * - `verified-first`: otadata never selects a target slot that doesn't start, unless the cut tore otadata itself.
 * - `probation`: a new image starts on probation, unless the cut tore otadata undetectably for its format. Not checked
 *   of a bootloader that performs no rollback.
 * - `delivered`: the update ends confirmed on the complete new image, and stays so at the next power-on.
 * - `rolled-back`: an image that fails its self-test starts at most twice and never becomes valid; the old one runs.
 * - `sequence`: the highest accepted (epoch, sequence) never decreases.
 * - `key-set`: the epoch of the key set never decreases.
 * - `refetch`: the device fetches again at most the torn chunk, its neighbors and chunk 0.
 * - `confined`: nothing is written outside the target slot, otadata and NVS.
 * - `flash`: no rule of NOR flash is broken.
 */
export type Invariant =
  | "bootable"
  | "known-image"
  | "verified-first"
  | "probation"
  | "delivered"
  | "rolled-back"
  | "sequence"
  | "key-set"
  | "refetch"
  | "confined"
  | "flash";

/**
 * Limit of ESP-IDF that explains a breach. Such a breach is counted by name and is not a violation.
 *
 * - `lost-record`: the power failed while NVS initialized or erased a page, and cells of the page flipped later. ESP-IDF
 *   then drops the page with its whole content, as if it had been erased.
 */
export type Limit = "lost-record";

/** An invariant that did not hold. */
export interface Breach {
  readonly invariant: Invariant;
  readonly message: string;
  readonly limit?: Limit;
}

/** A breach, with what reproduces it. */
export interface SweepViolation extends Breach {
  /** Name of the point, as `--replay` takes it. */
  readonly point: string;
  /** Variant of the last cut. */
  readonly variant: string;
  readonly seed: number;
}
