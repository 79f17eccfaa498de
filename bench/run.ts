/**
 * `pnpm bench [NAME...]`: what things cost, as ratios within one run against what a user would otherwise do. A bench whose
 * peer is missing says so, and the others go on. The last line names what is over its limit.
 */

import { benchDelivery } from "./bench-delivery.ts";
import { benchEndOfCommand } from "./bench-end-of-command.ts";
import { benchFleet } from "./bench-fleet.ts";
import { benchGuards } from "./bench-guards.ts";
import { benchHashFile } from "./bench-hash-file.ts";
import { benchIdleDevice } from "./bench-idle-device.ts";
import type { BenchLine } from "./bench-line.ts";
import { benchNvs } from "./bench-nvs.ts";
import { benchPackage } from "./bench-package.ts";
import { benchPowerCut } from "./bench-power-cut.ts";
import { benchRollout } from "./bench-rollout.ts";
import { benchSerial } from "./bench-serial.ts";
import { benchStatus } from "./bench-status.ts";
import { benchVerifyOffer } from "./bench-verify-offer.ts";
import { benchWorld } from "./bench-world.ts";

const BENCHES: Readonly<Record<string, () => Promise<readonly BenchLine[]>>> = {
  delivery: benchDelivery,
  "end-of-command": benchEndOfCommand,
  "verify-offer": benchVerifyOffer,
  guards: benchGuards,
  package: benchPackage,
  "hash-file": benchHashFile,
  "power-cut": benchPowerCut,
  "idle-device": benchIdleDevice,
  nvs: benchNvs,
  serial: benchSerial,
  world: benchWorld,
  fleet: benchFleet,
  status: benchStatus,
  rollout: benchRollout,
};

const row = (name: string, ...cells: readonly string[]) =>
  name.padEnd(64) + cells.map((cell) => cell.padStart(11)).join("");
const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(BENCHES);
const missed: string[] = [];
console.log(row("bench", "ours", "plain", "ratio", "limit"));
for (const name of names) {
  try {
    const bench = BENCHES[name];
    if (bench === undefined) throw new Error(`there is no such bench; there are ${Object.keys(BENCHES).join(", ")}`);
    for (const line of await bench()) {
      console.log(rowOf(line));
      if (line.ratio > line.limit) missed.push(line.name);
    }
  } catch (error) {
    process.exitCode = 1;
    console.log(`${name}: not measured: ${error instanceof Error ? error.message : String(error)}`);
  }
}
if (missed.length > 0) {
  process.exitCode = 1;
  console.log(`over its limit: ${missed.join("; ")}`);
}

function rowOf({ name, ours, plain, unit = "ms", ratio, limit }: BenchLine): string {
  const [measured, against] = [ours, plain].map((value) => `${value.toFixed(1)} ${unit}`);
  return row(name, measured ?? "", against ?? "", ratio.toFixed(2), limit.toFixed(2));
}
