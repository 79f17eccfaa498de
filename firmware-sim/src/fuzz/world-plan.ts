import { OtaError } from "@tinybms/ota-core";
import type { AgentKind } from "../agent/agent-receiver.ts";
import type { CutMoment } from "../flash/power-cut.ts";

/** Limits of a device or of its connection, and what is wrong with it. Absent members are as usual. */
export interface DevicePlan {
  readonly name: string;
  /** Chunks that it can buffer. */
  readonly window?: number;
  readonly joinsAtMs?: number;
  readonly flashFactor?: number;
  readonly bytesPerSecond?: number;
  readonly latencyMs?: number;
  /** Its bootloader was built without rollback. */
  readonly hasOldBootloader?: boolean;
  /** Outcome of the new image's self-test, if it doesn't pass. */
  readonly selfTest?: "fail" | "hang";
  /** A worn sector in the slot that the image goes to. */
  readonly badSector?: { readonly sector: number; readonly fault: BadSectorFault };
}

/** Faults of a sector that a driver sees, or that only reading back shows. */
export const BAD_SECTOR_FAULTS = ["erase-fails", "program-fails", "erase-ignored", "program-ignored"] as const;

/** A fault of a worn sector. */
export type BadSectorFault = (typeof BAD_SECTOR_FAULTS)[number];

/** Something that happens in a world at a time. */
export type PlanStep = { readonly atMs: number } & (
  | { readonly type: "drop-connection"; readonly device: string; readonly backMs: number }
  | { readonly type: "cut-power"; readonly device: string; readonly offMs: number }
  /** Cuts the power at one of the next flash operations. */
  | {
      readonly type: "cut-flash";
      readonly device: string;
      readonly operation: number;
      readonly moment: CutMoment;
    }
  | { readonly type: "sleep"; readonly device: string; readonly durationMs: number }
  /** The device goes off for good. */
  | { readonly type: "die"; readonly device: string }
  | { readonly type: "partition"; readonly devices: readonly string[]; readonly durationMs: number }
  | { readonly type: "partition-publishers"; readonly durationMs: number }
  | { readonly type: "restart-broker"; readonly downMs: number; readonly withStore: boolean }
  | { readonly type: "kill-publisher" }
  | { readonly type: "start-publisher" }
);

/** Loss, duplication or delay of messages, until the faults end. */
export interface PlanLoss {
  readonly type: "lose" | "duplicate" | "delay";
  readonly message: "offer" | "hashes" | "chunk" | "request" | "state" | "any";
  readonly probability: number;
}

/** Everything that happens in a world. With its seed it determines the run. */
export interface WorldPlan {
  /** Version of the format. */
  readonly plan: 1;
  readonly seed: number;
  readonly agent: AgentKind;
  /** Size of the image, in chunks. */
  readonly chunks: number;
  readonly network: {
    readonly latencyMs: readonly [number, number];
    readonly bytesPerSecond: number;
    readonly receiveBytes: number;
    readonly keepAliveMs: number;
    readonly inFlightMax: number;
    readonly queueMax: number;
  };
  readonly publisher: {
    /** Bytes per second; 0 means no limit. */
    readonly rate: number;
    readonly qos: 0 | 1;
    readonly spreadMs: number;
  };
  readonly devices: readonly DevicePlan[];
  readonly losses: readonly PlanLoss[];
  readonly steps: readonly PlanStep[];
  /** When the faults end: from then on every device must come to an end. */
  readonly faultsEndMs: number;
}

/**
 * Reads a plan, as a regression file holds it.
 *
 * @throws {@link OtaError} `arguments/invalid` if the text is not a plan of this version.
 */
export function parsePlan(text: string, file: string): WorldPlan {
  const plan = readJson(text);
  if (isPlan(plan)) return plan;
  throw new OtaError(
    "arguments/invalid",
    `${file} is not a world of \`fuzz\``,
    { option: "--world" },
    { hint: "give a file that `tinybms-sim fuzz` wrote" },
  );
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isPlan(value: unknown): value is WorldPlan {
  if (typeof value !== "object" || value === null) return false;
  const plan = value as Partial<Record<keyof WorldPlan, unknown>>;
  const { network, publisher, devices, losses, steps } = plan;
  const hasObjects = [network, publisher].every((member) => typeof member === "object" && member !== null);
  return (
    plan.plan === 1 && Number.isSafeInteger(plan.seed) && hasObjects && [devices, losses, steps].every(Array.isArray)
  );
}
