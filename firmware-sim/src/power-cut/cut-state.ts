import { NVS_PAGE_SIZE } from "@tinybms/ota-core/esp";
import { copyHardware, type Hardware } from "../boot/boot-options.ts";
import type { SimulatedDevice } from "../device/device.ts";
import type { WatchedOperation } from "../flash/nor-flash.ts";
import { type Cut, cutPower, isWeak } from "./cut.ts";
import { contains, type Scenario } from "./scenario.ts";

/** The highest offer and key set that a device has accepted. */
export interface Accepted {
  readonly offer: readonly [epoch: number, sequence: number];
  /** Epoch of the key set; 0 without one. */
  readonly keySet: number;
}

/**
 * Damage to otadata:
 *
 * - `none`: no cut hit it.
 * - `cut`: a cut hit it and left a state that can't be mistaken for another.
 * - `torn`: a cut left wrong bits that the CRC can't detect, because it covers the sequence alone.
 */
export type OtadataDamage = "none" | "cut" | "torn";

/** Damage to NVS: `weak-page` if a cut in the erase or the header of a page left weak cells. */
export type NvsDamage = "none" | "weak-page";

/** Damage that cuts did to the records of bootloader and agent. */
export interface RecordDamage {
  readonly otadata: OtadataDamage;
  readonly nvs: NvsDamage;
}

/** State before any cut. */
export const NO_DAMAGE: RecordDamage = { otadata: "none", nvs: "none" };

/** Tears of otadata that can't be mistaken for another state: prefixes of a program, and all or nothing. */
const HARMLESS_TO_OTADATA: ReadonlySet<string> = new Set([
  "untouched",
  "prefix-1",
  "prefix-16",
  "prefix-half",
  "prefix-all-but-last",
  "done",
]);

/** State of a device between a power cut and the next power-on. */
export interface CutState extends RecordDamage {
  /** The board as the cuts left it. The flash has no power. */
  readonly hardware: Hardware;
  readonly seed: number;
  /** Variant of the last cut. */
  readonly variant: string;
  /** Highest offer and key set that the device had accepted before the cut. */
  readonly floor: Accepted;
}

/**
 * Copies a device that is about to carry out an operation, and cuts the power of the copy in it.
 *
 * @param before - What the device had accepted, and its damage, before this cut.
 * @returns The state that the cut leaves.
 */
export function cutOff(
  scenario: Scenario,
  device: SimulatedDevice,
  operation: WatchedOperation,
  { variant, seed }: Cut,
  before: Pick<CutState, "floor"> & RecordDamage,
): CutState {
  const hardware = copyHardware(device.hardware);
  cutPower(hardware.flash, operation, variant, seed);
  return {
    hardware,
    seed,
    variant,
    floor: before.floor,
    otadata: damageBy(scenario, operation, variant, before.otadata),
    nvs: weakensPage(scenario, operation, variant) ? "weak-page" : before.nvs,
  };
}

function damageBy(
  scenario: Scenario,
  { offset }: WatchedOperation,
  variant: string,
  before: OtadataDamage,
): OtadataDamage {
  if (!contains(scenario.otadata, offset) || before === "torn") return before;
  return HARMLESS_TO_OTADATA.has(variant) ? "cut" : "torn";
}

function weakensPage({ nvs }: Scenario, { offset }: WatchedOperation, variant: string): boolean {
  return isWeak(variant) && contains(nvs, offset) && (offset - nvs.offset) % NVS_PAGE_SIZE === 0;
}

/** Returns what a device reports as accepted. */
export function acceptedOf({ report }: SimulatedDevice): Accepted {
  const [epoch = 0, sequence = 0] = report?.accepted ?? [];
  return { offer: [epoch, sequence], keySet: report?.key_set ?? 0 };
}

/**
 * Tracks what a device has accepted according to its flash, not its RAM: boots a copy of the device to find out, and
 * again after each operation in NVS.
 */
export class AcceptedFloor {
  readonly #scenario: Scenario;
  #known: Accepted | undefined;
  #wasInNvs = false;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  /** Must be called before each operation. */
  onOperation({ offset }: WatchedOperation): void {
    if (this.#wasInNvs) this.#known = undefined;
    this.#wasInNvs = contains(this.#scenario.nvs, offset);
  }

  /** Returns what was accepted before the current operation. */
  of({ hardware }: SimulatedDevice): Accepted {
    if (this.#known === undefined) {
      const copy = this.#scenario.device(copyHardware(hardware), this.#scenario.seed);
      copy.boot(0);
      this.#known = acceptedOf(copy);
      copy.halt();
    }
    return this.#known;
  }
}
