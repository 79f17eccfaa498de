import { OtaError } from "../errors.ts";

/** How a rollout widens, and what stops it. */
export interface RolloutPlan {
  /** Share of the fleet in each stage, in thousandths: 1 to 1000, each larger than the one before. */
  readonly stages: readonly number[];
  /** Salt of the share: 2 to 32 hexadecimal digits. Every stage has the same, so that a stage includes the former one. */
  readonly salt: string;
  /** The only devices that take part; absent: every device of the product. */
  readonly devices?: readonly string[];
  /** Time between a settled stage and the next one, in milliseconds; `until-continued` ends the rollout there. */
  readonly hold: number | "until-continued";
  /** The rollout stops if more than this share of the ended devices failed, in thousandths. */
  readonly abortPermille: number;
  /** The rollout does not stop before so many devices failed. */
  readonly abortMin: number;
  /** Time after which a stage does not wait any longer, in milliseconds. */
  readonly stageTimeoutMs: number;
}

/** Most stages of a rollout. */
const STAGES_MAX = 100;

/**
 * Checks a plan.
 *
 * @throws {@link OtaError} `arguments/invalid` if the stages do not widen, or a number is out of its range.
 */
export function assertRolloutPlan(plan: RolloutPlan): void {
  const { stages, hold, abortPermille, abortMin, stageTimeoutMs, devices } = plan;
  const widens = stages.every((stage, index) => stage > (stages[index - 1] ?? 0) && stage <= 1000);
  if (stages.length === 0 || stages.length > STAGES_MAX || !widens || !stages.every(Number.isInteger)) {
    const shares = stages.map((stage) => `${stage / 10}%`).join(",");
    throw invalid("--rollout", `the stages ${shares} must widen, from 0.1% to at most 100%, in steps of 0.1%`);
  }
  if (hold !== "until-continued" && !(hold >= 0 && Number.isFinite(hold))) {
    throw invalid("--hold", "the hold must be 0 seconds or more");
  }
  if (!(abortPermille >= 0 && abortPermille <= 1000)) throw invalid("--abort-on", "the share must be 0% to 100%");
  if (!(abortMin >= 1 && Number.isInteger(abortMin))) throw invalid("--abort-min", "the count must be 1 or more");
  if (!(stageTimeoutMs > 0)) throw invalid("--stage-timeout", "the time must be more than 0 seconds");
  if (devices?.length === 0) throw invalid("--device", "the rollout names no device");
}

function invalid(option: string, message: string): OtaError<"arguments/invalid"> {
  return new OtaError("arguments/invalid", message, { option });
}
