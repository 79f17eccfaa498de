import { printable } from "@tinybms/cli-kit/output";
import { OtaError } from "@tinybms/ota-core";
import type { RolloutDevice, RolloutOutcome, RolloutPlan, RolloutRecord } from "@tinybms/ota-core/rollout";

/** Most devices that an error names. */
const NAMED_MAX = 20;

/** Describes a plan in one line. */
export function planText({ stages, hold, abortPermille, abortMin, devices }: RolloutPlan): string {
  const whom = devices === undefined ? "the fleet" : `${devices.length} devices`;
  const shares = stages.map(shareText).join(", ");
  const waits = hold === "until-continued" ? "waits after each stage" : `holds ${hold / 1000} s after each stage`;
  return `${shares} of ${whom}; ${waits}; stops if more than ${shareText(abortPermille)} fail, and at least ${abortMin}`;
}

/** Describes a record of a journal in one line; `undefined` for one that is not news for the person who watches. */
export function recordText(record: RolloutRecord, plan: RolloutPlan): string | undefined {
  const { stages } = plan;
  const name = (stage: number): string => `stage ${stage + 1} of ${stages.length} (${shareText(stages[stage] ?? 0)})`;
  switch (record.type) {
    case "rollout":
      return `rollout of ${record.subject.version}: ${planText(record.plan)}`;
    case "offer":
      return `${name(record.stage)} is offered, number ${record.offer.counter.join("/")}`;
    case "ended":
      return record.end === "confirmed" || record.end === "already" ? undefined : endText(record);
    case "settled":
      return `${name(record.stage)} has settled${openText(record.open)}`;
    case "request":
      return `somebody asked to ${record.request}`;
    case "stopping":
      return `${name(record.stage)} stops: the offer is withdrawn`;
    case "stopped":
      return `${name(record.stage)} has stopped: ${STOPS[record.reason]}`;
    case "complete":
      return "every stage has settled";
  }
}

const STOPS = {
  failures: "too many devices failed",
  withdrawn: "somebody withdrew it",
  superseded: "another offer took its place",
  nobody: "no device ended in time",
} as const;

const HINTS = {
  failures: "the offer is withdrawn; once the cause is mended, deploy --retry-failed reaches the devices that failed",
  withdrawn: "the offer is withdrawn; devices that run the image keep it",
  superseded: "another deploy to the same devices started later; see its result",
  nobody: "the offer stands: check the devices, then go on with tinybms-ota rollout continue",
} as const;

/** Creates the error of a rollout that stopped; `undefined` if it is complete, or waits for somebody. */
export function errorOfRollout(
  { reason, stage, counts, devices }: RolloutOutcome,
  plan: RolloutPlan,
): OtaError<"rollout/stopped"> | undefined {
  if (reason === "complete" || reason === "held") return undefined;
  const failed = devices.filter(({ end }) => end === "failed");
  const which = `stage ${stage + 1} of ${plan.stages.length} (${shareText(plan.stages[stage] ?? 0)})`;
  const ended = counts.failed + counts.confirmed;
  const rate = ended === 0 ? "" : `, ${counts.failed} of ${ended} (${shareText((counts.failed * 1000) / ended)})`;
  const message = `${which} stopped: ${STOPS[reason]}${rate}${failed.length === 0 ? "" : `: ${failureText(failed)}`}`;
  const names = failed.map(({ device }) => device);
  return new OtaError("rollout/stopped", message, { reason, stage, failed: names }, { hint: HINTS[reason] });
}

/** Says how many devices ended how, and how many did not. */
export function countsText({ counts, open }: Pick<RolloutOutcome, "counts" | "open">): string {
  const { confirmed, failed, already, unable } = counts;
  const others = [
    ...(already > 0 ? [`${already} ran it before`] : []),
    ...(unable > 0 ? [`${unable} can't take it`] : []),
    ...(open.length > 0 ? [`${open.length} not ended`] : []),
  ];
  return [`${confirmed} confirmed`, `${failed} failed`, ...others].join(", ");
}

/** Formats a share in thousandths as a percentage. */
function shareText(permille: number): string {
  return `${Number((permille / 10).toFixed(1))}%`;
}

function failureText(failed: readonly RolloutDevice[]): string {
  const shown = failed
    .slice(0, NAMED_MAX)
    .map(({ device, error }) => `${device} (${printable(error === undefined ? "failed" : error.code)})`);
  return failed.length > NAMED_MAX ? `${shown.join(", ")} and ${failed.length - NAMED_MAX} more` : shown.join(", ");
}

function endText({ device, end, error }: RolloutRecord & { readonly type: "ended" }): string {
  const why = error === undefined ? "" : `: ${error.code}${error.message === "" ? "" : ` (${error.message})`}`;
  return printable(`${device} ${end === "failed" ? "failed" : "can't take the image"}${why}`);
}

function openText(open: readonly string[]): string {
  if (open.length === 0) return "";
  const shown = open.slice(0, NAMED_MAX).join(", ");
  return `; not ended: ${shown}${open.length > NAMED_MAX ? ` and ${open.length - NAMED_MAX} more` : ""}`;
}
