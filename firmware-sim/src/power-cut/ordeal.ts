import { NVS_PAGE_SIZE } from "@tinybms/ota-core/esp";
import type { Hardware } from "../boot/boot-options.ts";
import type { SimulatedDevice } from "../device/device.ts";
import type { WatchedOperation } from "../flash/nor-flash.ts";
import { type Cut, cutPower, isWeak } from "./cut.ts";
import { contains, copyOf, type Scenario } from "./scenario.ts";

/** What a device has accepted, and must not go back behind. */
export interface Accepted {
  readonly offer: readonly [epoch: number, sequence: number];
  /** Epoch of its key set; 0 without one. */
  readonly keySet: number;
}

/**
 * - `none`: no cut fell into it.
 * - `cut`: one did, and left nothing that could be mistaken for another state.
 * - `torn`: one did, and left bits of which the CRC, over the sequence alone, can't tell that they are wrong.
 */
export type OtadataDamage = "none" | "cut" | "torn";

/** Whether a page of NVS may give way later: a cut in its erase or its header left weak cells. */
export type NvsDamage = "none" | "weak-page";

/** What cuts did to the records of bootloader and agent. */
export interface RecordDamage {
  readonly otadata: OtadataDamage;
  readonly nvs: NvsDamage;
}

/** No cut yet. */
export const NO_DAMAGE: RecordDamage = { otadata: "none", nvs: "none" };

/** Prefixes of a program, and nothing or all of an operation, are never mistaken for another state. */
const HARMLESS_TO_OTADATA: ReadonlySet<string> = new Set([
  "untouched",
  "prefix-1",
  "prefix-16",
  "prefix-half",
  "prefix-all-but-last",
  "done",
]);

/** What a device was put through before it gets its power back. */
export interface Ordeal extends RecordDamage {
  /** As the cuts left it. The flash is off. */
  readonly hardware: Hardware;
  readonly seed: number;
  /** Of the last cut. */
  readonly variant: string;
  /** What it had accepted before. */
  readonly floor: Accepted;
}

/**
 * Takes a copy of a device that is about to carry out an operation, cuts its power there, and says what is left.
 *
 * @param before - What was known of it before this cut.
 */
export function cutOff(
  scenario: Scenario,
  device: SimulatedDevice,
  operation: WatchedOperation,
  { variant, seed }: Cut,
  before: Pick<Ordeal, "floor"> & RecordDamage,
): Ordeal {
  const hardware = copyOf(device.hardware);
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

/** What a device reports that it has accepted. */
export function acceptedOf({ report }: SimulatedDevice): Accepted {
  const [epoch = 0, sequence = 0] = report?.accepted ?? [];
  return { offer: [epoch, sequence], keySet: report?.key_set ?? 0 };
}

/**
 * Follows what a device has accepted by what its flash says, whatever its RAM knows already: asked by starting a copy of
 * it, and again after each operation in NVS.
 */
export class AcceptedFloor {
  readonly #scenario: Scenario;
  #known: Accepted | undefined;
  #wasInNvs = false;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  /** To be called before each operation. */
  onOperation({ offset }: WatchedOperation): void {
    if (this.#wasInNvs) this.#known = undefined;
    this.#wasInNvs = contains(this.#scenario.nvs, offset);
  }

  /** As of before the operation under way. */
  of({ hardware }: SimulatedDevice): Accepted {
    if (this.#known === undefined) {
      const copy = this.#scenario.device(copyOf(hardware), this.#scenario.seed);
      copy.boot(0);
      this.#known = acceptedOf(copy);
    }
    return this.#known;
  }
}
