/** `pnpm bench`: what a delivery costs, as ratios within one run against what a user would otherwise do. */
import { benchDelivery } from "./delivery.ts";

const line = await benchDelivery();
console.log(
  `${"bench".padEnd(52)}${"ours".padStart(10)}${"plain".padStart(10)}${"ratio".padStart(8)}${"limit".padStart(7)}`,
);
const ms = (value: number) => `${value.toFixed(0)} ms`.padStart(10);
console.log(
  `${line.name.padEnd(52)}${ms(line.oursMs)}${ms(line.plainMs)}${line.ratio.toFixed(2).padStart(8)}${"2.00".padStart(7)}`,
);
