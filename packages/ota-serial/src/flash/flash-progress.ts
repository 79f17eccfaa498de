/** How far a step is, in bytes of the flash. */
export interface FlashProgress {
  readonly step: "compare" | "write" | "verify" | "read";
  readonly done: number;
  readonly total: number;
}

/** What a write came to, in bytes of the flash. */
export interface WriteReport {
  readonly written: number;
  /** Already there. */
  readonly unchanged: number;
}
