import { OtaError } from "../errors.ts";
import type { Immutable } from "../messages/json-message.ts";
import type { JournalPlan } from "../schemas/types.generated.ts";

/**
 * How a rollout widens, and what stops it. Shares are in thousandths, times in milliseconds. Every stage has the same salt,
 * so that a stage includes the former one.
 */
export type RolloutPlan = Immutable<JournalPlan>;

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
