import { type CommandOutput, ExitCode, type OutputOptions } from "@tinybms/cli-kit/output";
import { OtaError } from "@tinybms/ota-core";
import { type RolloutRecord, type RolloutRequest, rolloutOf } from "@tinybms/ota-core/rollout";
import { runDeploy } from "../deploy/run-deploy.ts";
import { askRollout, isRolloutRunning, JournalFile, readJournalFile } from "../rollout/journal-file.ts";
import { planText, recordText } from "../rollout/rollout-text.ts";
import type { OfferSigningOptions } from "../signing/offer-signing.ts";

/** Options of `tinybms-ota rollout continue` and `withdraw`, as commander parses them. */
export interface RolloutGoOnOptions extends OutputOptions, OfferSigningOptions {
  readonly manifest: string;
  readonly broker?: string;
  readonly allowInsecure?: boolean;
  /** Time limit for connecting, in seconds. */
  readonly timeout: number;
}

/** Document of `rollout show --json`. */
interface RolloutDocument {
  readonly file: string;
  /** The journal's records, without the hashes that chain them. */
  readonly records: readonly RolloutRecord[];
  readonly running: boolean;
}

/**
 * Shows a rollout's journal, and checks that no line was changed.
 *
 * @returns The exit code, 0.
 * @throws {@link OtaError} `journal/…`.
 */
export async function runRolloutShow(file: string, output: CommandOutput): Promise<number> {
  const journal = readJournalFile(file);
  const { plan } = firstOf(file);
  const running = await isRolloutRunning(file);
  const document: RolloutDocument = { file, records: journal.records, running };
  output.printJson(document);
  for (const record of journal.records) {
    const text = record.type === "ended" ? `${record.device} ${record.end}` : undefined;
    output.print(`${new Date(record.at).toISOString()} ${recordText(record, plan) ?? text ?? planText(plan)}`);
  }
  if (!output.quiet)
    output.print(`${journal.records.length} records, each follows from the one before; ${stateOf(running)}`);
  return ExitCode.done;
}

/**
 * Asks the process that runs a rollout to pause, to continue or to withdraw it. Where none runs, `continue` and
 * `withdraw` do it here, and `pause` writes it to the journal.
 *
 * @returns The exit code: 0 once the request is passed on, otherwise that of the rollout.
 * @throws {@link OtaError} `journal/…`, and as `deploy`.
 */
export async function runRolloutRequest(
  request: RolloutRequest,
  file: string,
  options: RolloutGoOnOptions,
  output: CommandOutput,
): Promise<number> {
  const { subject } = firstOf(file);
  if (await isRolloutRunning(file)) {
    await askRollout(file, request);
    if (!output.quiet) output.print(`the process that runs the rollout is asked to ${request}`);
    return ExitCode.done;
  }
  if (request !== "pause") {
    const { version } = subject;
    return await runDeploy({ ...options, version, wait: "confirmed", resume: file, request }, output);
  }
  const journal = await JournalFile.open(file, "resume");
  try {
    journal.append({ type: "request", at: Date.now(), request });
  } finally {
    journal.close();
  }
  if (!output.quiet) output.print("the rollout is paused: it begins no stage until it is continued");
  return ExitCode.done;
}

function firstOf(file: string): RolloutRecord & { readonly type: "rollout" } {
  const first = rolloutOf(readJournalFile(file));
  if (first === undefined) throw new OtaError("journal/unusable", `${file} holds no rollout`, { file });
  return first;
}

function stateOf(running: boolean): string {
  return running ? "a process runs the rollout" : "no process runs the rollout";
}
