import type { OtaError } from "../errors.ts";
import type { InstallGate } from "./install-gate.ts";

/** A chunk that is being written to flash. */
export interface ChunkInWriting {
  readonly index: number;
  readonly bytes: Uint8Array;
}

/** What a download is doing: a discriminated union, so that what doesn't exist in a phase can't be read in it. */
export type DownloadPhase =
  /** Waiting for the hash list. */
  | { readonly name: "hashes" }
  /** Comparing what the slot holds, chunk by chunk. */
  | { readonly name: "scan"; readonly index: number }
  /** Sector 0 is being erased, and a stale verdict of otadata: from here on nothing in the slot starts. */
  | { readonly name: "invalidate" }
  | { readonly name: "fetch"; readonly writing: ChunkInWriting | undefined }
  /** Reading the whole image once, to hash and check it. */
  | { readonly name: "verify" }
  /** An image that must not run is being made unbootable. */
  | { readonly name: "condemn"; readonly error: OtaError }
  /** The image passed every check, and may be set to boot. */
  | { readonly name: "ready"; readonly gate: InstallGate }
  /** The image is being set to boot. */
  | { readonly name: "switch" }
  | { readonly name: "ended" };

/** A download's state as reports say it. */
export type DownloadState = "checking" | "downloading" | "verifying" | "ready-to-reboot";

/** The state that reports give for each phase. */
export const STATE_OF_PHASE: Readonly<Record<DownloadPhase["name"], DownloadState>> = {
  hashes: "checking",
  scan: "checking",
  invalidate: "downloading",
  fetch: "downloading",
  verify: "verifying",
  condemn: "verifying",
  ready: "ready-to-reboot",
  switch: "ready-to-reboot",
  ended: "verifying",
};
