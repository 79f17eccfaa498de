import { targetAdmits } from "../messages/target.ts";
import { imageIdOf } from "../messages/topics.ts";
import type { StateReport } from "../schemas/types.generated.ts";
import { contradictionOf } from "../sender/report-contradiction.ts";
import type { RolloutPlan } from "./rollout-plan.ts";
import type { RolloutEnd } from "./rollout-record.ts";

/** Most devices that a rollout remembers. */
const DEVICES_MAX = 20_000;

/** Silence after which a device is not waited for, in milliseconds: as in a delivery without stages. */
export const SILENCE_MS = 180_000;

/** Codes of a device that can't take the image. They say nothing about the quality of the image. */
const UNABLE_CODES: ReadonlySet<string> = new Set([
  "offer/unsupported",
  "offer/wrong-product",
  "offer/wrong-hardware",
  "offer/wrong-chip",
  "offer/wrong-project",
  "offer/secure-version",
  "offer/constraint",
  "offer/no-slot",
  "offer/too-large",
]);

/** What a rollout knows of a device. */
export interface RolloutDevice {
  readonly device: string;
  /** First stage that includes it; `undefined` if none does. */
  readonly stage: number | undefined;
  readonly end: RolloutEnd | undefined;
  readonly error: { readonly code: string; readonly message: string } | undefined;
  /** Its latest state under an offer of the rollout. */
  readonly state: StateReport["state"] | undefined;
  readonly received: number;
  readonly total: number;
  readonly online: boolean;
  /** When it was heard last, on the clock of the events. */
  readonly heardAt: number;
}

/** Numbers of devices of the stages so far. */
export interface RolloutCounts {
  readonly confirmed: number;
  readonly failed: number;
  readonly already: number;
  readonly unable: number;
}

/** What {@link RolloutDevices.standing} says of a stage. */
export interface StageStanding {
  /** Devices that have not ended and that the stage waits for. */
  readonly working: readonly string[];
  /** Devices that have not ended and are asleep or silent. */
  readonly absent: readonly string[];
  /** Devices that restarted into the image, and were not heard since. */
  readonly lost: readonly string[];
  /** Devices of the stages so far, ended or not. */
  readonly admitted: number;
}

/** The devices of a rollout: which stage includes each, and how each ended. Bounded: at most 20 000. */
export class RolloutDevices {
  readonly #plan: RolloutPlan;
  readonly #offered: { readonly imageId: string; readonly sha256: string };
  /** First stage of each device that the plan names; `undefined` if it names none. */
  readonly #named: ReadonlyMap<string, number | undefined> | undefined;
  readonly #devices = new Map<string, RolloutDevice>();
  #newestAt = Number.NEGATIVE_INFINITY;
  readonly #counts = { confirmed: 0, failed: 0, already: 0, unable: 0 };

  constructor(plan: RolloutPlan, image: string) {
    this.#plan = plan;
    this.#offered = { imageId: imageIdOf(image), sha256: image.toLowerCase() };
    this.#named = plan.devices && new Map(plan.devices.map((device) => [device, this.#stageByShare(device)]));
  }

  /** Number of devices that were heard, whether a stage includes them or not. */
  get heard(): number {
    return this.#devices.size;
  }

  /** When the latest device was heard for the first time, on the clock of the events. */
  get newestAt(): number {
    return this.#newestAt;
  }

  /** Returns the devices that were heard, in the order in which they were first heard. */
  all(): readonly RolloutDevice[] {
    return [...this.#devices.values()];
  }

  /** Counts how devices ended. */
  get counts(): RolloutCounts {
    return { ...this.#counts };
  }

  /**
   * Takes a report.
   *
   * @param counter - Number of the rollout's offer that the report is about; `undefined` for any other report.
   * @returns How the device ended, if this report is the first that says so.
   */
  report(
    report: StateReport,
    counter: readonly [epoch: number, sequence: number] | undefined,
    stage: number,
    now: number,
  ): RolloutDevice | undefined {
    const before = this.#devices.get(report.device);
    if (before === undefined && this.#devices.size >= DEVICES_MAX) return undefined;
    if (before === undefined) this.#newestAt = now;
    const isOurs = counter !== undefined;
    const isWill = !report.online && before !== undefined;
    const counts = isOurs && !isWill;
    const device: RolloutDevice = {
      device: report.device,
      stage: before === undefined ? this.stageOf(report.device) : before.stage,
      end: before?.end,
      error: before?.error,
      state: counts ? report.state : before?.state,
      received: counts ? report.received : (before?.received ?? 0),
      total: counts ? report.total : (before?.total ?? 0),
      online: report.online,
      heardAt: now,
    };
    this.#devices.set(report.device, device);
    if (device.end !== undefined || isWill) return undefined;
    const fault = isOurs ? contradictionOf(report, { ...this.#offered, counter }) : undefined;
    if (fault !== undefined) {
      return this.end(device, "failed", {
        code: "delivery/contradictory-report",
        message: `its report does not fit: ${fault}`,
      });
    }
    const end = this.#endOf(report, isOurs, before, stage);
    return end === undefined ? undefined : this.end(device, end, report.error);
  }

  /** Records how a device ended, also from the journal. A device ends once. */
  end(
    device: Pick<RolloutDevice, "device"> & Partial<RolloutDevice>,
    end: RolloutEnd,
    error?: { readonly code: string; readonly message: string },
  ): RolloutDevice | undefined {
    const { device: name } = device;
    const known = this.#devices.get(name);
    if (known?.end !== undefined) return undefined;
    const ended: RolloutDevice = {
      ...(known ?? this.#unheard(name)),
      end,
      error: error && { code: error.code, message: error.message },
    };
    this.#devices.set(name, ended);
    this.#counts[end]++;
    return ended;
  }

  /** Returns the devices of the stages up to `stage` that have not ended: those that were heard, and those that are named. */
  open(stage: number): readonly string[] {
    const heard = [...this.#devices.values()].filter(
      ({ stage: own, end }) => isWithin(own, stage) && end === undefined,
    );
    return [...heard.map(({ device }) => device), ...this.#unheardOf(stage)];
  }

  /**
   * Sorts the devices of the stages so far that have not ended.
   *
   * @param stage - The current stage.
   * @param offeredAt - When its offer stood on the broker.
   */
  standing(stage: number, offeredAt: number, now: number): StageStanding {
    const working: string[] = [];
    const absent = [...this.#unheardOf(stage)];
    const lost: string[] = [];
    let admitted = absent.length;
    for (const { device, stage: own, end, state, online, heardAt } of this.#devices.values()) {
      if (!isWithin(own, stage)) continue;
      admitted++;
      if (end !== undefined) continue;
      const isSilent = now - Math.max(heardAt, offeredAt) >= SILENCE_MS;
      const hasSwitched = state === "ready-to-reboot" || state === "pending-verify";
      if (state !== undefined && online) working.push(device);
      else if (state !== undefined && !isSilent) working.push(device);
      else if (hasSwitched) lost.push(device);
      else if (online && !isSilent) working.push(device);
      else absent.push(device);
    }
    return { working, absent, lost, admitted };
  }

  /** Returns the first stage that includes a device; `undefined` if none does. */
  stageOf(device: string): number | undefined {
    return this.#named === undefined ? this.#stageByShare(device) : this.#named.get(device);
  }

  #stageByShare(device: string): number | undefined {
    const { stages, salt } = this.#plan;
    const stage = stages.findIndex((permille) => targetAdmits({ rollout: { permille, salt } }, device));
    return stage < 0 ? undefined : stage;
  }

  #endOf(
    { state, error, running_sha256: running }: StateReport,
    isOurs: boolean,
    before: RolloutDevice | undefined,
    stage: number,
  ): RolloutEnd | undefined {
    if (!isOurs) return running === this.#offered.sha256 && before?.state === undefined ? "already" : undefined;
    const own = before?.stage ?? stage;
    if (own > stage) return undefined;
    if (state === "confirmed") return "confirmed";
    if (state === "failed" || state === "rolled-back") return "failed";
    if (state !== "rejected") return undefined;
    return UNABLE_CODES.has(error?.code ?? "") ? "unable" : "failed";
  }

  /** Returns the devices that the plan names for the stages up to `stage`, and that were not heard. */
  #unheardOf(stage: number): readonly string[] {
    const named = [...(this.#named ?? [])];
    return named.flatMap(([device, own]) => (isWithin(own, stage) && !this.#devices.has(device) ? [device] : []));
  }

  #unheard(device: string): RolloutDevice {
    return {
      ...{ device, stage: this.stageOf(device), end: undefined, error: undefined, state: undefined },
      ...{ received: 0, total: 0, online: false, heardAt: Number.NEGATIVE_INFINITY },
    };
  }
}

function isWithin(own: number | undefined, stage: number): boolean {
  return own !== undefined && own <= stage;
}
