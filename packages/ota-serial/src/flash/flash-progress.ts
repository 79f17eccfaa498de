/** Progress of a step, in bytes of flash. */
export interface FlashProgress {
  readonly step: "compare" | "write" | "verify" | "read";
  readonly done: number;
  readonly total: number;
}

/** Result of a write, in bytes of flash. */
export interface WriteReport {
  readonly written: number;
  /** Bytes that the flash already held. */
  readonly unchanged: number;
}
