import type { SimulatedDevice } from "../device/device.ts";
import type { ReplayHeading } from "../replay-page/replay-document.ts";
import type { ChosenBroker } from "./broker-option.ts";
import { sampleFleet } from "./fleet-line.ts";
import type { DeviceInputs } from "./run-inputs.ts";

/** How `run` ended. */
export type RunEnd = "settled" | "timeout" | "interrupted";

/** A run at its end. */
interface EndedRun {
  readonly end: RunEnd;
  readonly devices: readonly SimulatedDevice[];
  readonly broker: ChosenBroker | undefined;
  readonly inputs: Pick<DeviceInputs, "agent" | "idf" | "faults">;
}

/** States that are not how an update should end. */
const BAD_STATES: readonly (string | undefined)[] = ["failed", "rejected", "rolled-back"];

/** Returns what stands above the lanes on the page of a run. */
export function aboutRun({ end, devices, broker, inputs: { agent, idf, faults } }: EndedRun): ReplayHeading {
  const cuts = devices.reduce((sum, { powerCutCount }) => sum + powerCutCount, 0);
  const isBad = devices.some(({ status, state }) => status !== "running" || BAD_STATES.includes(state));
  return {
    title: `Run of ${devices.length} ${devices.length === 1 ? "device" : "devices"}`,
    facts: [
      ["broker", broker?.display ?? "none"],
      ["device code", agent === "c" ? "C" : "TypeScript"],
      ["ESP-IDF", idf.report.app.release],
      ["faults", String(faults.length)],
      ["power cuts", String(cuts)],
      ["end", end],
    ],
    verdict: { isGood: end !== "timeout" && !isBad, text: sampleFleet(devices).states },
  };
}
