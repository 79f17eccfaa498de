import { OTADATA_ENTRY_SIZE, OTADATA_SECTOR_SIZE } from "@tinybms/ota-core/esp";
import type { SimulatedDevice } from "../device/device.ts";
import type { NorFlash, WatchedOperation } from "../flash/nor-flash.ts";
import { PowerCut } from "../flash/power-cut.ts";
import { freedBitVariants, missedBitVariants } from "../flash/single-bit-tears.ts";
import { eraseCutVariants, programCutVariants } from "../flash/tears.ts";
import { contains, type Scenario } from "./scenario.ts";

/** A power cut as a report names it. Entered again, it reproduces the same cut. */
export interface Cut {
  /** Number of the flash operation in the run that it hits; 1 is the first. */
  readonly operation: number;
  /** Name of the tear: `untouched` is before the operation, `done` after it, the others inside. */
  readonly variant: string;
  readonly seed: number;
}

/** Phase of the update in which the power fails. */
export type CutPhase =
  /** From the offer to the reset that starts the new image. */
  | "update"
  /** In the bootloader, or before the app has started. */
  | "boot"
  /** The new image runs its self-test and is confirmed. */
  | "probation"
  /** The new image has failed, and the old one takes over. */
  | "rollback";

/** Programs up to this size are records, for which every single bit is tried: otadata and NVS entries are 32 bytes. */
const RECORD_SIZE_MAX = 32;

/**
 * Returns the names of all tears that a power cut in an operation can cause: the ten of an erase or the twelve of a
 * program, and each single bit for records of otadata and NVS.
 *
 * @param flash - The flash before the operation.
 */
export function variantsOf(scenario: Scenario, flash: NorFlash, operation: WatchedOperation): readonly string[] {
  const { kind, offset, bytes } = operation;
  const isOtadata = contains(scenario.otadata, offset);
  if (kind === "erase") {
    if (!isOtadata || offset % OTADATA_SECTOR_SIZE !== 0) return eraseCutVariants;
    return [...eraseCutVariants, ...freedBitVariants(flash.truth(offset, OTADATA_ENTRY_SIZE))];
  }
  if (bytes === undefined || bytes.length > RECORD_SIZE_MAX) return programCutVariants;
  if (!isOtadata && !contains(scenario.nvs, offset)) return programCutVariants;
  return [...programCutVariants, ...missedBitVariants(bytes)];
}

/** Returns the name under which a variant is counted: single bits are counted together. */
export function variantKind(variant: string): string {
  return variant.replace(/^(all-but-bit|only-bit)-\d+$/, "$1");
}

/** Returns whether cells may flip later after this variant. */
export function isWeak(variant: string): boolean {
  return variant.endsWith("-weak");
}

/** Starts an operation and cuts the power during it. Leaves the flash without power. */
export function cutPower(
  flash: NorFlash,
  { kind, offset, bytes }: WatchedOperation,
  variant: string,
  seed: number,
): void {
  flash.cutPowerAt({ operation: 1, moment: "during", variant, seed });
  try {
    if (kind === "erase") flash.eraseSector(offset);
    else flash.program(offset, bytes ?? new Uint8Array(0));
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
  }
}

/** Returns the phase of the update that a device is in. */
export function phaseOf({ report }: SimulatedDevice): CutPhase {
  // A running agent reports that it is online; the last report of an agent that stopped does not.
  if (report?.online !== true) return "boot";
  if (report.state === "rolled-back") return "rollback";
  if (report.state === "pending-verify") return report.error === undefined ? "probation" : "rollback";
  return report.state === "confirmed" ? "probation" : "update";
}

/** Derives the seed of a variant at an operation: different for neighbors, the same on every thread. */
export function seedOf(seed: number, operation: number, variant: number): number {
  return ((seed % 0x10000) * 0x10000 + operation * 256 + variant) >>> 0;
}
