/**
 * What must hold, whatever the power does: `docs/protocol.md` as far as one device shows it.
 *
 * - `bootable`: it starts at every power-on, and never panics.
 * - `known-image`: what runs is the image before the update or the one delivered, whole.
 * - `verified-first`: otadata never selects a target slot that doesn't start, unless the cut tore otadata itself.
 * - `probation`: a new image starts on probation, unless the cut tore otadata in a way that its format can't tell; not asked
 *   of a bootloader that performs no rollback.
 * - `delivered`: the update ends confirmed, on the whole new image, and stays so at the next power-on.
 * - `rolled-back`: an image that fails its self-test is started at most twice, never becomes valid, and the one before runs.
 * - `sequence`: the highest (epoch, sequence) accepted never decreases.
 * - `key-set`: the epoch of the key set never decreases.
 * - `refetch`: it fetches again no more than what was torn, its neighbours and chunk 0.
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
 * What of ESP-IDF explains a breach, so that it is counted by name and is no violation.
 *
 * - `lost-record`: the power went while NVS began or erased a page, and cells of it gave way later. ESP-IDF then drops the
 *   page with all that it holds, as if it had been wiped.
 */
export type Limit = "lost-record";

/** An invariant that did not hold, in a sentence. */
export interface Breach {
  readonly invariant: Invariant;
  readonly message: string;
  readonly limit?: Limit;
}

/** A breach, and how to see it again. */
export interface SweepViolation extends Breach {
  /** What was done where, as `--replay` takes it. */
  readonly point: string;
  /** Of the last cut. */
  readonly variant: string;
  readonly seed: number;
}
