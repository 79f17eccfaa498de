import type { SimulatedDevice } from "../device/device.ts";
import type { DeviceLogEntry } from "../device/device-events.ts";
import type { PlanResult } from "../fuzz/run-plan.ts";
import { WORLD_TOPIC_ROOT, worldBoardOf } from "../fuzz/world-board.ts";
import type { PlanStep, WorldPlan } from "../fuzz/world-plan.ts";
import { TwoImages } from "../replay-page/known-images.ts";
import type { MarkKind, ReplayDocument } from "../replay-page/replay-document.ts";
import { ReplayRecorder } from "../replay-page/replay-recorder.ts";
import type { WorldEvent } from "../simulation/network-options.ts";

/** Collects a world of `fuzz` for a replay page. */
export class WorldPage {
  readonly #plan: WorldPlan;
  #recorder: ReplayRecorder | undefined;

  constructor(plan: WorldPlan) {
    this.#plan = plan;
  }

  /** Takes the devices, before anything happens to them. */
  begin(devices: readonly SimulatedDevice[]): void {
    const images = new TwoImages(worldBoardOf(this.#plan.chunks).images);
    const recorder = new ReplayRecorder({ topicRoots: new Set([WORLD_TOPIC_ROOT]), devices, images });
    for (const { id, hardware } of devices) hardware.flash.watch(({ offset }) => recorder.addOperation(id, offset));
    this.#recorder = recorder;
  }

  /** Adds an event of the network. */
  addNetwork(event: WorldEvent): void {
    this.#recorder?.addNetwork(event);
  }

  /** Adds an entry of a device's log. */
  addLog(entry: DeviceLogEntry): void {
    this.#recorder?.addLog(entry);
  }

  /** Adds a step of the plan. */
  addStep(step: PlanStep, nowMs: number): void {
    const { kind, text, devices } = describeStep(step);
    this.#recorder?.addMark(nowMs, kind, text);
    if (devices.length > 0) this.#recorder?.addMark(nowMs, kind, text, devices);
  }

  /** Returns the data of the page. */
  result({ failure, ends, boots, powerCuts, chunksSent, publishers }: PlanResult): ReplayDocument {
    const { seed, agent, chunks, devices } = this.#plan;
    if (this.#recorder === undefined) throw new RangeError("the world has not begun");
    return this.#recorder.result({
      title: `World of seed ${seed}`,
      facts: [
        ["devices", String(devices.length)],
        ["device code", agent === "c" ? "C" : "TypeScript"],
        ["image", `${chunks} chunks`],
        ["sent", `${(chunksSent / chunks).toFixed(2)} images by ${publishers} publishers`],
        ["boots", String(boots)],
        ["power cuts", String(powerCuts)],
        [
          "ends",
          Object.entries(ends)
            .map(([end, count]) => `${count} ${end}`)
            .join(", "),
        ],
      ],
      verdict: {
        isGood: failure === undefined,
        text: failure === undefined ? "every invariant holds" : `${failure.invariant}: ${failure.message}`,
      },
    });
  }
}

interface DescribedStep {
  readonly kind: MarkKind;
  readonly text: string;
  readonly devices: readonly string[];
}

function describeStep(step: PlanStep): DescribedStep {
  switch (step.type) {
    case "drop-connection":
      return { kind: "connection", text: `${step.device}: connection breaks`, devices: [step.device] };
    case "cut-power":
      return { kind: "cut", text: `${step.device}: power cut for ${step.offMs} ms`, devices: [step.device] };
    case "cut-flash":
      return {
        kind: "fault",
        text: `${step.device}: cut armed, ${step.moment} flash operation ${step.operation}`,
        devices: [],
      };
    case "sleep":
      return { kind: "sleep", text: `${step.device} sleeps`, devices: [step.device] };
    case "die":
      return { kind: "cut", text: `${step.device}: power never returns`, devices: [step.device] };
    case "partition":
      return { kind: "connection", text: `partition for ${step.durationMs} ms`, devices: step.devices };
    case "partition-publishers":
      return { kind: "publisher", text: `publishers cut off for ${step.durationMs} ms`, devices: [] };
    case "restart-broker":
      return { kind: "broker", text: `broker restarts${step.withStore ? "" : ", store lost"}`, devices: [] };
    case "kill-publisher":
      return { kind: "publisher", text: "publisher killed", devices: [] };
    case "start-publisher":
      return { kind: "publisher", text: "publisher starts", devices: [] };
  }
}
