import type { Hardware } from "../boot/boot-options.ts";
import type { SimulatedDevice } from "../device/device.ts";
import type { DeviceAction, DeviceLogEntry } from "../device/device-events.ts";
import { SECTOR_SIZE } from "../flash/sector-store.ts";
import { isWeak } from "./cut.ts";
import type { Breach } from "./invariant.ts";
import { isOnProbation } from "./life.ts";
import { type Accepted, acceptedOf, type Ordeal } from "./ordeal.ts";
import { rejectionsOf } from "./rejections.ts";
import { contains, copyOf, type Scenario } from "./scenario.ts";

/** What a device starts after a cut. */
export type StartOutcome =
  | "old"
  | "new"
  /** The new image, not yet confirmed, and without the bootloader's protection: a limit of otadata's format. */
  | "unprotected-boot";

/** What came of the starts after a cut. */
export interface FirstStarts {
  /** `undefined` where nothing started. */
  readonly outcome: StartOutcome | undefined;
  readonly breaches: readonly Breach[];
  /** NVS wrote over a torn entry that it took for a free one: see {@link overwritesNvs}. */
  readonly nvsOverwritten: boolean;
}

/** Resets in a row that are no loop yet: a roll-back at the start takes one. */
const RESETS_MAX = 4;

/** Power-ons after which weak cells have given way. */
const WEAK_POWER_ONS = 4;

/**
 * Gives a device its power back, lets bootloader and app start from nothing but flash, and checks all that can be checked
 * without a network. Where cells may be weak it is switched on some times more.
 */
export function firstStarts(scenario: Scenario, ordeal: Ordeal): FirstStarts {
  const hardware = copyOf(ordeal.hardware);
  const breaches: Breach[] = [];
  const first = start(scenario, ordeal, hardware, breaches);
  if (isWeak(ordeal.variant)) {
    for (let again = 1; again < WEAK_POWER_ONS; again++) {
      hardware.flash.powerOn();
      start(scenario, ordeal, hardware, breaches);
    }
  }
  breaches.push(...checkFlash(scenario, hardware));
  return { outcome: first, breaches, nvsOverwritten: overwritesNvs(scenario, hardware) };
}

/** Rules of flash, and what may not have changed. */
export function checkFlash(scenario: Scenario, hardware: Hardware): Breach[] {
  const { hardware: base, nvs } = scenario;
  const breaches = checkConfined(scenario, hardware);
  const violation = newViolations(base, hardware.flash).find(({ offset }) => !contains(nvs, offset));
  if (violation !== undefined) breaches.push({ invariant: "flash", message: violation.detail });
  return breaches;
}

/** Nothing was written where nothing may be: told by the identity of sectors. */
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
 * Whether NVS programmed cells that were not erased: ESP-IDF tells a free entry by its first word alone, so that an entry
 * torn behind its first four bytes is written over, and the value written there is lost. A limit of ESP-IDF
 * (`Page::mLoadEntryTable`); that it costs the agent nothing is what `sequence`, `delivered` and `rolled-back` check.
 */
export function overwritesNvs({ hardware: base, nvs }: Scenario, { flash }: Hardware): boolean {
  return newViolations(base, flash).some(({ offset }) => contains(nvs, offset));
}

function newViolations(base: Hardware, flash: Hardware["flash"]): Hardware["flash"]["violations"] {
  return flash.violations.slice(base.flash.violationCount);
}

/** Whether a sequence is lower than another. */
function isBelow([epoch, sequence]: Accepted["offer"], [floorEpoch, floorSequence]: Accepted["offer"]): boolean {
  return epoch < floorEpoch || (epoch === floorEpoch && sequence < floorSequence);
}

function start(scenario: Scenario, ordeal: Ordeal, hardware: Hardware, breaches: Breach[]): StartOutcome | undefined {
  const device = scenario.device(hardware, ordeal.seed);
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
    breaches.push(...checkStart(scenario, ordeal, device, entries));
    const found = outcomeOf(scenario, device);
    outcome ??= found;
    if (found === "unprotected-boot" && ordeal.otadata !== "torn" && scenario.performsRollback) {
      const message = "the new image starts without probation, and no torn otadata entry explains it";
      breaches.push({ invariant: "probation", message });
    }
    if (!actions.some(({ type }) => type === "reset")) return outcome;
  }
  breaches.push({ invariant: "bootable", message: "it resets again and again" });
  return outcome;
}

function checkStart(
  scenario: Scenario,
  ordeal: Ordeal,
  device: SimulatedDevice,
  entries: readonly DeviceLogEntry[],
): Breach[] {
  const { bootOutcome, report } = device;
  const breaches = checkBootable(entries);
  if (bootOutcome?.kind !== "boots" || report === undefined) return breaches;
  if (report.running_sha256 !== scenario.oldSha256 && report.running_sha256 !== scenario.newSha256) {
    const message = `${report.slot} runs an image of SHA-256 ${report.running_sha256}, which nobody delivered`;
    breaches.push({ invariant: "known-image", message });
  }
  breaches.push(...checkRejections(scenario, ordeal, rejectionsOf(scenario.target, bootOutcome)));
  return [...breaches, ...checkAccepted(ordeal, device)];
}

/** What was accepted before the cut still stands. */
export function checkAccepted({ floor, nvs }: Pick<Ordeal, "floor" | "nvs">, device: SimulatedDevice): Breach[] {
  const { offer, keySet } = acceptedOf(device);
  const limit = limitOf({ nvs });
  const breaches: Breach[] = [];
  if (isBelow(offer, floor.offer)) {
    breaches.push({
      invariant: "sequence",
      message: `accepted ${offer.join("/")}, and ${floor.offer.join("/")} before`,
      ...limit,
    });
  }
  if (keySet < floor.keySet) {
    breaches.push({ invariant: "key-set", message: `trusts key set ${keySet}, and ${floor.keySet} before`, ...limit });
  }
  return breaches;
}

/** What explains that a record of the agent is not in flash any more, to be spread into the breach. */
export function limitOf({ nvs }: Pick<Ordeal, "nvs">): Pick<Breach, "limit"> {
  return nvs === "weak-page" ? { limit: "lost-record" } : {};
}

/** Nothing in a log says that a device doesn't start. */
export function checkBootable(log: readonly DeviceLogEntry[]): Breach[] {
  const breaches: Breach[] = [];
  for (const entry of log) {
    if (entry.type === "reset-loop")
      breaches.push({ invariant: "bootable", message: `nothing boots: ${entry.reason}` });
    if (entry.type === "panic") breaches.push({ invariant: "bootable", message: entry.message });
  }
  return breaches;
}

/** Slots that otadata selects and that don't start: only a torn entry may do that, or what was on the board before. */
export function checkRejections(
  { rejectedBefore }: Pick<Scenario, "rejectedBefore">,
  { otadata }: Pick<Ordeal, "otadata">,
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
