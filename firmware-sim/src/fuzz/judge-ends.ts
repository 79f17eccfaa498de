import type { SimulatedDevice } from "../device/device.ts";
import { BrokenInvariant } from "./invariants.ts";
import type { WorldBoard } from "./world-board.ts";
import type { DevicePlan, PlanStep, WorldPlan } from "./world-plan.ts";

/** Steps that may end a probation: of one device, and of all. */
const DEVICE_TROUBLE: ReadonlySet<PlanStep["type"]> = new Set(["drop-connection", "cut-power", "cut-flash", "sleep"]);
const COMMON_TROUBLE: ReadonlySet<PlanStep["type"]> = new Set(["partition", "restart-broker"]);

/** What {@link judgeEnds} looks at. */
export interface SettledWorld {
  readonly plan: WorldPlan;
  readonly devices: readonly SimulatedDevice[];
  /** Devices without power. */
  readonly dead: ReadonlySet<string>;
  readonly board: WorldBoard;
}

/** Checks that each device has the end that its world explains. @throws BrokenInvariant */
export function judgeEnds({ plan, devices, dead, board }: SettledWorld): void {
  for (const device of devices) {
    const own = plan.devices.find(({ name }) => name === device.id);
    if (own === undefined || dead.has(device.id)) continue;
    judgeEnd(device, own, plan.steps, board);
    judgeFlash(device, board);
  }
}

function judgeEnd(device: SimulatedDevice, own: DevicePlan, steps: readonly PlanStep[], board: WorldBoard): void {
  const { id, state, report } = device;
  const { code, message } = report?.error ?? {};
  const unexplained = () => new BrokenInvariant("outcome", `${id} is ${state} without a cause: ${code} ${message}`);
  if (state === "confirmed") {
    if (own.selfTest !== undefined)
      throw new BrokenInvariant("outcome", `${id} confirmed an image that fails its test`);
    if (report?.running_sha256 === board.newSha256) return;
    throw new BrokenInvariant("known-image", `${id} is confirmed, and runs ${report?.running_sha256}`);
  }
  if (state === "failed" && (own.badSector !== undefined || own.selfTest !== undefined)) return;
  if (state === "rolled-back" && (own.selfTest !== undefined || hadTrouble(id, steps))) return;
  throw unexplained();
}

function hadTrouble(device: string, steps: readonly PlanStep[]): boolean {
  return steps.some((step) => {
    if (COMMON_TROUBLE.has(step.type)) return true;
    return "device" in step && step.device === device && DEVICE_TROUBLE.has(step.type);
  });
}

/** Checks that the device broke no rule of NOR flash, and still has the image that it ran at first or the new one. */
function judgeFlash({ id, hardware }: SimulatedDevice, { nvs }: WorldBoard): void {
  const broken = hardware.flash.violations.find(({ offset }) => offset < nvs.offset || offset >= nvs.offset + nvs.size);
  if (broken !== undefined)
    throw new BrokenInvariant("known-image", `${id} breaks a rule of flash: ${JSON.stringify(broken)}`);
}
