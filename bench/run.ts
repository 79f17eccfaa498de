/** `pnpm bench`: what things cost, as ratios within one run against what a user would otherwise do. */
import type { BenchLine } from "./bench-line.ts";
import { benchDelivery } from "./delivery.ts";
import { benchGuards } from "./guards.ts";
import { benchHashFile } from "./hash-file.ts";
import { benchIdleDevice } from "./idle-device.ts";
import { benchNvs } from "./nvs.ts";
import { benchPackage } from "./package.ts";
import { benchPowerCut } from "./power-cut.ts";

const BENCHES: readonly (() => Promise<readonly BenchLine[]>)[] = [
  benchDelivery,
  benchGuards,
  benchPackage,
  benchHashFile,
  benchPowerCut,
  benchIdleDevice,
  benchNvs,
];

const row = (name: string, ...cells: readonly string[]) =>
  name.padEnd(60) + cells.map((cell) => cell.padStart(10)).join("");
console.log(row("bench", "ours", "plain", "ratio", "limit"));
for (const bench of BENCHES) {
  for (const { name, ours, plain, unit = "ms", ratio, limit } of await bench()) {
    const [measured, against] = [ours, plain].map((value) => `${value.toFixed(1)} ${unit}`);
    console.log(row(name, measured ?? "", against ?? "", ratio.toFixed(2), limit.toFixed(2)));
  }
}
