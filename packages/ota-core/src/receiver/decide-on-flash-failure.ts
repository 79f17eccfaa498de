import type { OtaError } from "../errors.ts";
import type { DownloadPhase } from "./download-phase.ts";
import { notSwitched, unreadable, wornOut } from "./image-problem.ts";
import type { FlashOperation } from "./receiver-events.ts";

/** Erases and programs that may fail in one download before the flash counts as broken. */
const FLASH_FAILURES_MAX = 3;

/** What a download does after a flash operation failed. */
export type FlashFailureDecision =
  /** The operation is not one that the phase asked for. */
  | { readonly type: "ignore" }
  /** The chunk that was read for comparison counts as missing. */
  | { readonly type: "miss-chunk"; readonly index: number }
  /** Look for the chunks that went wrong. */
  | { readonly type: "start-over"; readonly error: OtaError }
  /** Nothing in the slot can start: fetch what is missing. */
  | { readonly type: "fetch" }
  /** Erase sector 0 once more. */
  | { readonly type: "erase-again" }
  /** Forget the chunk that was being written. It is asked for again. */
  | { readonly type: "forget-chunk" }
  | { readonly type: "fail"; readonly error: OtaError };

/**
 * Decides how a download goes on after a flash operation failed.
 *
 * @param failures - Erases and programs of this download that failed before.
 */
export function decideOnFlashFailure(
  phase: DownloadPhase,
  operation: FlashOperation,
  espErr: number,
  failures: number,
): FlashFailureDecision {
  switch (phase.name) {
    case "scan":
      return { type: "miss-chunk", index: phase.index };
    case "verify":
      return { type: "start-over", error: unreadable(espErr) };
    case "condemn":
      return { type: "fail", error: phase.error };
    case "switch":
      return operation === "set-boot-partition" ? { type: "fail", error: notSwitched(espErr) } : { type: "ignore" };
    case "invalidate":
      // An inactive entry that can't be invalidated does not exist: there was nothing stale.
      if (operation === "invalidate-otadata") return { type: "fetch" };
      return isWornOut(failures) ? { type: "fail", error: wornOut(0, espErr) } : { type: "erase-again" };
    case "fetch": {
      const sector = phase.writing?.index ?? 0;
      return isWornOut(failures) ? { type: "fail", error: wornOut(sector, espErr) } : { type: "forget-chunk" };
    }
    case "hashes":
    case "ready":
    case "ended":
      return { type: "ignore" };
  }
}

function isWornOut(failures: number): boolean {
  return failures + 1 >= FLASH_FAILURES_MAX;
}
