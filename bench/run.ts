/** `pnpm bench`: what things cost, as ratios within one run against what a user would otherwise do. */
import type { BenchLine } from "./bench-line.ts";
import { benchDelivery } from "./delivery.ts";
import { benchHashFile } from "./hash-file.ts";
import { benchPackage } from "./package.ts";
import { benchPowerCut } from "./power-cut.ts";

const BENCHES: readonly (() => Promise<readonly BenchLine[]>)[] = [
  benchDelivery,
  benchPackage,
  benchHashFile,
  benchPowerCut,
];

const row = (name: string, ...cells: readonly string[]) =>
  name.padEnd(60) + cells.map((cell) => cell.padStart(10)).join("");
console.log(row("bench", "ours", "plain", "ratio", "limit"));
for (const bench of BENCHES) {
  for (const { name, oursMs, plainMs, ratio, limit } of await bench()) {
    console.log(row(name, `${oursMs.toFixed(1)} ms`, `${plainMs.toFixed(1)} ms`, ratio.toFixed(2), limit.toFixed(2)));
  }
}
