import { copyHardware, type Hardware } from "../boot/boot-options.ts";
import type { SimulatedDevice } from "../device/device.ts";
import type { DeviceAction, DeviceLogEntry } from "../device/device-events.ts";
import { SECTOR_SIZE } from "../flash/sector-store.ts";
import { isWeak } from "./cut.ts";
import { type Accepted, acceptedOf, type CutState } from "./cut-state.ts";
import type { Breach } from "./invariant.ts";
import { isOnProbation } from "./life.ts";
import { rejectionsOf } from "./rejections.ts";
import { contains, type Scenario } from "./scenario.ts";

/** Result of the first start after a cut. */
export type StartOutcome =
  | "old"
  | "new"
  /** The new image, not yet confirmed, without the bootloader's protection: a limit of otadata's format. */
  | "unprotected-boot";

/** Result of the starts after a cut. */
export interface FirstStarts {
  /** `undefined` if nothing started. */
  readonly outcome: StartOutcome | undefined;
  readonly breaches: readonly Breach[];
  /** Whether NVS overwrote a torn entry that it took for a free one; see {@link overwritesNvs}. */
  readonly nvsOverwritten: boolean;
}

/** Resets in a row that do not count as a loop: a roll-back at the start takes one. */
const RESETS_MAX = 4;

/** Power-ons after which weak cells have flipped. */
const WEAK_POWER_ONS = 4;

/**
 * Restores power, boots from flash alone, and checks all invariants that need no network. If cells may be weak, repeats
 * the power-on several times.
 */
export function firstStarts(scenario: Scenario, cutState: CutState): FirstStarts {
  const hardware = copyHardware(cutState.hardware);
  const breaches: Breach[] = [];
  const first = start(scenario, cutState, hardware, breaches);
  if (isWeak(cutState.variant)) {
    for (let again = 1; again < WEAK_POWER_ONS; again++) {
      hardware.flash.powerOn();
      start(scenario, cutState, hardware, breaches);
    }
  }
  breaches.push(...checkFlash(scenario, hardware));
  return { outcome: first, breaches, nvsOverwritten: overwritesNvs(scenario, hardware) };
}

/** Checks the rules of flash, and that nothing outside the update's partitions changed. */
export function checkFlash(scenario: Scenario, hardware: Hardware): Breach[] {
  const { hardware: base, nvs } = scenario;
  const breaches = checkConfined(scenario, hardware);
  const violation = newViolations(base, hardware.flash).find(({ offset }) => !contains(nvs, offset));
  if (violation !== undefined) breaches.push({ invariant: "flash", message: violation.detail });
  return breaches;
}

/** Checks that only the target slot, otadata and NVS were written to. Compares the identity of sectors. */
export function checkConfined({ hardware: base, target, otadata, nvs }: Scenario, { flash }: Hardware): Breach[] {
  const breaches: Breach[] = [];
  for (let offset = 0; offset < flash.sizeBytes; offset += SECTOR_SIZE) {
    if (contains(target, offset)) offset = target.offset + target.size - SECTOR_SIZE;
    else if (!contains(otadata, offset) && !contains(nvs, offset)) {
      const sectorIndex = offset / SECTOR_SIZE;
      if (flash.sectorIdentity(sectorIndex) === base.flash.sectorIdentity(sectorIndex)) continue;
      breaches.push({ invariant: "confined", message: `the sector at 0x${offset.toString(16)} was written to` });
    }
  }
  return breaches;
}

/**
 * Returns whether NVS programmed cells that were not erased. ESP-IDF recognizes a free entry by its first word alone: an
 * entry torn after its first four bytes is overwritten, and the value written there is lost. This is a limit of ESP-IDF
 * (`Page::mLoadEntryTable`); `sequence`, `delivered` and `rolled-back` check that the agent loses nothing by it.
 */
export function overwritesNvs({ hardware: base, nvs }: Scenario, { flash }: Hardware): boolean {
  return newViolations(base, flash).some(({ offset }) => contains(nvs, offset));
}

function newViolations(base: Hardware, flash: Hardware["flash"]): Hardware["flash"]["violations"] {
  return flash.violations.slice(base.flash.violationCount);
}

/** Returns whether a sequence is lower than another. */
function isBelow([epoch, sequence]: Accepted["offer"], [floorEpoch, floorSequence]: Accepted["offer"]): boolean {
  return epoch < floorEpoch || (epoch === floorEpoch && sequence < floorSequence);
}

function start(
  scenario: Scenario,
  cutState: CutState,
  hardware: Hardware,
  breaches: Breach[],
): StartOutcome | undefined {
  const device = scenario.device(hardware, cutState.seed);
  try {
    return startDevice(scenario, cutState, device, breaches);
  } finally {
    device.halt();
  }
}

/** Powers a device on, and starts it again as long as it resets. */
function startDevice(
  scenario: Scenario,
  cutState: CutState,
  device: SimulatedDevice,
  breaches: Breach[],
): StartOutcome | undefined {
  let outcome: StartOutcome | undefined;
  for (let resets = 0; resets <= RESETS_MAX; resets++) {
    let actions: DeviceAction[];
    try {
      actions = device.boot(0);
    } catch (error) {
      breaches.push({ invariant: "bootable", message: `the software fails: ${String(error)}` });
      return outcome;
    }
    const entries = actions.flatMap((action) => (action.type === "log" ? [action.entry] : []));
    breaches.push(...checkStart(scenario, cutState, device, entries));
    const found = outcomeOf(scenario, device);
    outcome ??= found;
    if (found === "unprotected-boot" && cutState.otadata !== "torn" && scenario.performsRollback) {
      const message = "the new image starts without probation, and no torn otadata entry explains it";
      breaches.push({ invariant: "probation", message });
    }
    if (!actions.some(({ type }) => type === "reset")) return outcome;
  }
  breaches.push({ invariant: "bootable", message: "the device resets in a loop" });
  return outcome;
}

function checkStart(
  scenario: Scenario,
  cutState: CutState,
  device: SimulatedDevice,
  entries: readonly DeviceLogEntry[],
): Breach[] {
  const { bootOutcome, report } = device;
  const breaches = checkBootable(entries);
  if (bootOutcome?.kind !== "boots" || report === undefined) return breaches;
  if (report.running_sha256 !== scenario.oldSha256 && report.running_sha256 !== scenario.newSha256) {
    const message = `${report.slot} runs an image with SHA-256 ${report.running_sha256}, which was never delivered`;
    breaches.push({ invariant: "known-image", message });
  }
  breaches.push(...checkRejections(scenario, cutState, rejectionsOf(scenario.target, bootOutcome)));
  return [...breaches, ...checkAccepted(cutState, device)];
}

/** Checks that the device still has what it accepted before the cut. */
export function checkAccepted({ floor, nvs }: Pick<CutState, "floor" | "nvs">, device: SimulatedDevice): Breach[] {
  const { offer, keySet } = acceptedOf(device);
  const limit = limitOf({ nvs });
  const breaches: Breach[] = [];
  if (isBelow(offer, floor.offer)) {
    breaches.push({
      invariant: "sequence",
      message: `the accepted sequence is ${offer.join("/")}, and was ${floor.offer.join("/")} before`,
      ...limit,
    });
  }
  if (keySet < floor.keySet) {
    breaches.push({
      invariant: "key-set",
      message: `the trusted key set is ${keySet}, and was ${floor.keySet} before`,
      ...limit,
    });
  }
  return breaches;
}

/** Returns the limit that explains a lost record of the agent, for spreading into a breach. */
export function limitOf({ nvs }: Pick<CutState, "nvs">): Pick<Breach, "limit"> {
  return nvs === "weak-page" ? { limit: "lost-record" } : {};
}

/** Checks that no log entry reports a failed start. */
export function checkBootable(log: readonly DeviceLogEntry[]): Breach[] {
  const breaches: Breach[] = [];
  for (const entry of log) {
    if (entry.type === "reset-loop") breaches.push({ invariant: "bootable", message: `no app boots: ${entry.reason}` });
    if (entry.type === "panic") breaches.push({ invariant: "bootable", message: entry.message });
  }
  return breaches;
}

/** Checks that otadata selects no slot that fails to start, except by a torn entry or as it was before the update. */
export function checkRejections(
  { rejectedBefore }: Pick<Scenario, "rejectedBefore">,
  { otadata }: Pick<CutState, "otadata">,
  reasons: readonly string[],
): Breach[] {
  const reason = reasons.find((found) => !rejectedBefore.includes(found));
  if (reason === undefined || otadata !== "none") return [];
  return [{ invariant: "verified-first", message: `otadata selects a slot that does not start: ${reason}` }];
}

function outcomeOf(scenario: Scenario, device: SimulatedDevice): StartOutcome | undefined {
  const { bootOutcome, report } = device;
  if (bootOutcome?.kind !== "boots" || report === undefined) return undefined;
  if (report.running_sha256 !== scenario.newSha256) return "old";
  return report.state === "confirmed" || isOnProbation(bootOutcome) ? "new" : "unprotected-boot";
}
