import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { isOtaError, OtaError, toHex } from "@tinybms/ota-core";
import {
  assertRolloutPlan,
  type RolloutPlan,
  type RolloutRequest,
  type RolloutSubject,
  rolloutOf,
} from "@tinybms/ota-core/rollout";
import type { DeliveryTarget, InstallTerms } from "../offer-payload.ts";
import { assertNoJournal, readJournalFile } from "./journal-file.ts";

/** Options of a rollout, with the names of `tinybms-ota deploy`. */
export interface RolloutOptions {
  /** Stages, each in thousandths of the fleet. */
  readonly rollout?: readonly number[] | undefined;
  /** Seconds between a settled stage and the next. @defaultValue 600 */
  readonly hold?: number | "until-continued" | undefined;
  /** Share of failed devices above which the rollout stops, in thousandths. @defaultValue 50 */
  readonly abortOn?: number | undefined;
  /** Number of failed devices below which it does not stop. @defaultValue 3 */
  readonly abortMin?: number | undefined;
  /** Longest time of a stage, in seconds. @defaultValue 3600 */
  readonly stageTimeout?: number | undefined;
  /** Path of the new journal. @defaultValue `rollouts/<version>.jsonl` next to the root manifest */
  readonly journal?: string | undefined;
  /** Journal of a rollout to go on with. */
  readonly resume?: string | undefined;
  /** Journal of a rollout whose failed devices get the release. */
  readonly retryFailed?: string | undefined;
  /** What a resumed rollout is asked before it goes on. */
  readonly request?: RolloutRequest | undefined;
}

/** A rollout that is about to begin or go on. */
export interface PreparedRollout {
  readonly subject: RolloutSubject;
  readonly plan: RolloutPlan;
  /** Path of the journal. */
  readonly file: string;
  readonly mode: "new" | "resume";
  /** What the rollout is asked before it goes on. */
  readonly request?: RolloutRequest | undefined;
}

const DEFAULTS = { hold: 600, abortOn: 50, abortMin: 3, stageTimeout: 3_600 } as const;

/** Options that only a new rollout has. */
const OF_NEW = ["hold", "abortOn", "abortMin", "stageTimeout", "journal"] as const;

const FLAGS = {
  hold: "--hold",
  abortOn: "--abort-on",
  abortMin: "--abort-min",
  stageTimeout: "--stage-timeout",
  journal: "--journal",
} as const;

/**
 * Reads what a rollout needs from the options and, if it goes on, from its journal. Writes nothing.
 *
 * @param subject - The release that is delivered.
 * @param terms - Devices that the options name, and what they say of the restart. A rollout that goes on has both in its
 *   journal.
 * @param folder - Folder of the root manifest.
 * @returns `undefined` if the options ask for no rollout.
 * @throws {@link OtaError} `arguments/invalid`; `journal/…`; `journal/other-release` if the journal is about another
 *   release.
 */
export function prepareRollout(
  options: RolloutOptions,
  subject: RolloutSubject,
  { target, install }: { readonly target: DeliveryTarget; readonly install: InstallTerms },
  folder: string,
): PreparedRollout | undefined {
  const { rollout, resume, retryFailed, journal } = options;
  const asked = [rollout && "--rollout", resume && "--resume", retryFailed && "--retry-failed"].filter(Boolean);
  if (asked.length > 1) throw invalid("--rollout", `${asked.join(" and ")} can't be combined`);
  if (resume !== undefined) {
    assertNone(options, OF_NEW, "the journal has it");
    if (target !== "all") throw invalid("--device", "a rollout that is resumed has its devices from its journal");
    return {
      ...planOf(resume, subject, ["product", "version", "topic", "image"]),
      subject,
      file: resume,
      mode: "resume",
      request: options.request,
    };
  }
  const settings = { ...settingsOf(options), ...(Object.keys(install).length > 0 && { install }) };
  if (retryFailed !== undefined) {
    if (target !== "all") throw invalid("--device", "--retry-failed names the devices itself");
    const { failed } = planOf(retryFailed, subject, ["product", "topic"]);
    if (failed.length === 0) throw invalid("--retry-failed", `no device of ${retryFailed} failed`);
    const plan: RolloutPlan = { ...settings, stages: [1000], salt: saltOf(), devices: failed };
    const file = journal ?? freeFile(folder, `${subject.version}-retry`);
    assertNoJournal(file);
    return { plan, subject, file, mode: "new" };
  }
  if (rollout === undefined) {
    assertNone(options, OF_NEW, "it belongs to --rollout");
    return undefined;
  }
  const devices = target === "all" ? {} : { devices: target.devices };
  const plan: RolloutPlan = { ...settings, stages: rollout, salt: saltOf(), ...devices };
  assertRolloutPlan(plan);
  const file = journal ?? join(folder, "rollouts", `${subject.version}.jsonl`);
  assertNoJournal(file);
  return { plan, subject, file, mode: "new" };
}

function settingsOf(options: RolloutOptions): Omit<RolloutPlan, "stages" | "salt"> {
  const { hold = DEFAULTS.hold, abortOn = DEFAULTS.abortOn, abortMin = DEFAULTS.abortMin } = options;
  const { stageTimeout = DEFAULTS.stageTimeout } = options;
  return {
    hold: hold === "until-continued" ? hold : hold * 1000,
    abortPermille: abortOn,
    abortMin,
    stageTimeoutMs: stageTimeout * 1000,
  };
}

/** Reads a journal's plan and the devices that failed. */
function planOf(
  file: string,
  subject: RolloutSubject,
  members: readonly (keyof RolloutSubject)[],
): { readonly plan: RolloutPlan; readonly failed: readonly string[] } {
  const journal = readJournalFile(file);
  const first = rolloutOf(journal);
  if (first === undefined) throw new OtaError("journal/unusable", `${file} holds no rollout`, { file });
  for (const member of members) {
    if (first.subject[member] === subject[member]) continue;
    const message = `${file} is about ${member} ${first.subject[member]}, not ${subject[member]}`;
    throw new OtaError("journal/other-release", message, { file, member });
  }
  try {
    assertRolloutPlan(first.plan);
  } catch (cause) {
    if (!isOtaError(cause)) throw cause;
    throw new OtaError("journal/unusable", `${file} has no valid plan: ${cause.message}`, { file }, { cause });
  }
  const failed = journal.records.flatMap((it) => (it.type === "ended" && it.end === "failed" ? [it.device] : []));
  return { plan: first.plan, failed };
}

/** Four random bytes: who is in which stage differs between rollouts, so that the same devices are not always the first. */
function saltOf(): string {
  return toHex(randomBytes(4));
}

/** Returns a path in the folder of journals that no file has. */
function freeFile(folder: string, name: string): string {
  for (let number = 1; ; number++) {
    const file = join(folder, "rollouts", `${name}-${number}.jsonl`);
    if (!existsSync(file)) return file;
  }
}

function assertNone(options: RolloutOptions, names: readonly (typeof OF_NEW)[number][], why: string): void {
  const given = names.find((name) => options[name] !== undefined);
  if (given !== undefined) throw invalid(FLAGS[given], `${FLAGS[given]} has no effect: ${why}`);
}

function invalid(option: string, message: string): OtaError<"arguments/invalid"> {
  return new OtaError("arguments/invalid", message, { option });
}
