import { OTADATA_ENTRY_SIZE, OTADATA_SECTOR_SIZE } from "@tinybms/ota-core/esp";
import type { SimulatedDevice } from "../device/device.ts";
import type { NorFlash, WatchedOperation } from "../flash/nor-flash.ts";
import { PowerCut } from "../flash/power-cut.ts";
import { freedBitVariants, missedBitVariants } from "../flash/single-bit-tears.ts";
import { ERASE_TEARS, PROGRAM_TEARS } from "../flash/tears.ts";
import { contains, type Scenario } from "./scenario.ts";

/** One power cut, as a report names it: typed back, it is the same again. */
export interface Cut {
  /** Which flash operation of the run it hits; 1 is the first. */
  readonly operation: number;
  /** What it leaves: `untouched` is before the operation, `done` after it, the others inside. */
  readonly variant: string;
  readonly seed: number;
}

/** What a device is at when the power goes. */
export type CutPhase =
  /** From the offer to the reset that starts the new image. */
  | "update"
  /** In the bootloader, or before the app has started. */
  | "boot"
  /** The new image has to prove itself, and is confirmed. */
  | "probation"
  /** The new image has failed, and the old one takes over again. */
  | "rollback";

/** Programs up to this size are records, of which every single bit is tried: entries of otadata and NVS are 32 bytes. */
const RECORD_SIZE_MAX = 32;

const ERASE_VARIANTS: readonly string[] = ERASE_TEARS.map(({ name }) => name);
const PROGRAM_VARIANTS: readonly string[] = PROGRAM_TEARS.map(({ name }) => name);

/**
 * Everything that a power cut in an operation can leave: the ten tears of an erase or the twelve of a program, and for
 * records of otadata and NVS each single bit.
 *
 * @param flash - As it is before the operation.
 */
export function variantsOf(scenario: Scenario, flash: NorFlash, operation: WatchedOperation): readonly string[] {
  const { kind, offset, bytes } = operation;
  const isOtadata = contains(scenario.otadata, offset);
  if (kind === "erase") {
    if (!isOtadata || offset % OTADATA_SECTOR_SIZE !== 0) return ERASE_VARIANTS;
    return [...ERASE_VARIANTS, ...freedBitVariants(flash.truth(offset, OTADATA_ENTRY_SIZE))];
  }
  if (bytes === undefined || bytes.length > RECORD_SIZE_MAX) return PROGRAM_VARIANTS;
  if (!isOtadata && !contains(scenario.nvs, offset)) return PROGRAM_VARIANTS;
  return [...PROGRAM_VARIANTS, ...missedBitVariants(bytes)];
}

/** The kind of a variant, single bits taken together: what counts are kept by. */
export function variantKind(variant: string): string {
  return variant.replace(/^(all-but-bit|only-bit)-\d+$/, "$1");
}

/** Whether what a variant leaves may flip later. */
export function isWeak(variant: string): boolean {
  return variant.endsWith("-weak");
}

/** Carries an operation out on a flash, with the power going as the variant says. The flash is off then. */
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

/** What the device is at. */
export function phaseOf({ report }: SimulatedDevice): CutPhase {
  // A report of an agent that runs says that it is online; one that outlived its agent does not.
  if (report?.online !== true) return "boot";
  if (report.state === "rolled-back") return "rollback";
  if (report.state === "pending-verify") return report.error === undefined ? "probation" : "rollback";
  return report.state === "confirmed" ? "probation" : "update";
}

/** The seed of a variant at an operation: differs from its neighbours', and stays the same whoever makes the cut. */
export function seedOf(seed: number, operation: number, variant: number): number {
  return ((seed % 0x10000) * 0x10000 + operation * 256 + variant) >>> 0;
}
