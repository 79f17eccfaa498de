import { copyHardware } from "../boot/boot-options.ts";
import { SECTOR_SIZE } from "../flash/sector-store.ts";
import { checkBootable, checkConfined, checkRejections } from "./first-starts.ts";
import type { Breach } from "./invariant.ts";
import { type Life, live } from "./life.ts";
import type { WornFault } from "./point-name.ts";
import type { Scenario } from "./scenario.ts";

/** Runs a scenario on a flash in which one sector of the target slot is worn out. */
export function liveWorn(scenario: Scenario, sector: number, fault: WornFault): Life {
  const hardware = copyHardware(scenario.hardware);
  hardware.flash.setFaults([{ type: fault, sectorIndex: scenario.target.offset / SECTOR_SIZE + sector }]);
  return live(scenario, hardware, { seed: scenario.seed + sector });
}

/** Checks that a device with a worn sector runs one of the two images and stays within its partitions. */
export function checkWorn(scenario: Scenario, life: Life): Breach[] {
  const { device, failure, log, rejections } = life;
  const { state, report, hardware } = device;
  const breaches = [
    ...checkBootable(log),
    ...checkRejections(scenario, { otadata: "none" }, rejections),
    ...checkConfined(scenario, hardware),
  ];
  if (failure !== undefined) breaches.push({ invariant: "delivered", message: failure });
  else if (report?.running_sha256 !== scenario.newSha256 && report?.running_sha256 !== scenario.oldSha256) {
    breaches.push({ invariant: "known-image", message: `the device runs neither image; its state is ${state}` });
  }
  return breaches;
}
