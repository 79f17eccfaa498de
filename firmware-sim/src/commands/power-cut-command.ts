import type { CommandOutput } from "@tinybms/cli-kit/output";
import { CHUNK_SIZE, terminalJson } from "@tinybms/ota-core";
import { assertAppImage, parseAppImage, verifyAppImage } from "@tinybms/ota-core/esp";
import { createHardware } from "../device/create-device.ts";
import { parsePoint } from "../power-cut/point-name.ts";
import { replayPoint } from "../power-cut/replay.ts";
import type { SweepResult } from "../power-cut/sweep.ts";
import type { SweepOptions } from "../power-cut/sweep-options.ts";
import { powerCutSweepOnThreads } from "../power-cut/sweep-threads.ts";
import { writeReplayPage } from "../replay-page/write-replay-page.ts";
import { releaseVersionOf } from "../simulation/release-version.ts";
import { chooseIdf, type IdfReport, idfLine } from "./idf-option.ts";
import type { PowerCutOptions } from "./power-cut-inputs.ts";
import { PowerCutPage } from "./power-cut-page.ts";
import { runWithProgress } from "./power-cut-progress.ts";
import { replayLine, writeReports } from "./power-cut-report.ts";
import { readFlashContents, readInput } from "./run-inputs.ts";

/** Maximum size of an image, in chunks, for which all pairs of cuts are made by default. */
const ALL_PAIRS_CHUNKS_MAX = 16;
/** Default number of pairs in each run for larger images. */
const PAIRS_SAMPLED = 400;
/** Number of sectors that are worn out, each in five ways. */
const WORN_SECTORS = 4;

/**
 * Runs `tinybms-sim power-cut`: checks that a device survives an update with a power cut at any flash operation.
 *
 * @returns Exit code: 0 if every invariant held, 1 if one was violated, 130 if interrupted.
 * @throws {@link OtaError} for invalid files; `simulation/update-refused` if the device rejects the update.
 */
export async function powerCut(options: PowerCutOptions, output: CommandOutput): Promise<number> {
  const { sweep, idf } = await readSweep(options);
  if (options.replay !== undefined) return replay(options, sweep, output);
  const ended = await runWithProgress(output, options.jobs, (run) => powerCutSweepOnThreads(sweep, run));
  if (ended === undefined) return 130;
  const { result, durationMs } = ended;
  const written = await writeReports(options, sweep, result.violations);
  output.printJson({ idf, ...toJson(options, result, durationMs) });
  output.print(idfLine(idf));
  for (const line of summaryOf(result, durationMs, output)) output.print(line);
  if (written !== undefined) output.note(`flash images and traces are in ${written}`);
  return result.violationCount === 0 ? 0 : 1;
}

async function readSweep(options: PowerCutOptions): Promise<{ sweep: SweepOptions; idf: IdfReport }> {
  const { seed, points, run, update, agent } = options;
  const from = await readFlashContents(options);
  const to = await readInput(update);
  const image = parseAppImage(to);
  verifyAppImage(image);
  assertAppImage(image);
  const version = releaseVersionOf(update, image.descriptor.version, options.version);
  const chunks = Math.ceil(to.length / CHUNK_SIZE);
  const { pairs = chunks <= ALL_PAIRS_CHUNKS_MAX ? "all" : PAIRS_SAMPLED } = options;
  const { appBuild, bootloaderOptions, report } = chooseIdf(options, createHardware(from), from.tableOffset);
  const sweep: SweepOptions = {
    from,
    to,
    version,
    seed,
    agent,
    appBuild,
    bootloaderOptions,
    runs: run === "both" ? undefined : [run],
    points: points === "all" ? undefined : points,
    pairs,
    wornSectors: WORN_SECTORS,
  };
  return { sweep, idf: report };
}

async function replay(
  { replay: name = "", html }: PowerCutOptions,
  sweep: SweepOptions,
  output: CommandOutput,
): Promise<number> {
  const page = html === undefined ? undefined : new PowerCutPage(sweep.to);
  const replayed = replayPoint(sweep, parsePoint(name), page);
  if (page !== undefined && html !== undefined) await writeReplayPage(html, page.result(name, replayed));
  const { outcome, breaches, trace } = replayed;
  const violations = breaches.filter(({ limit }) => limit === undefined);
  const limits = breaches.filter(({ limit }) => limit !== undefined);
  output.printJson({ point: name, outcome: outcome ?? null, violations, limits, trace });
  for (const entry of trace) output.print(terminalJson(entry));
  for (const { limit, message } of limits) output.print(`${output.style("yellow", limit ?? "")}  ${message}`);
  for (const { invariant, message } of violations) output.print(`${output.style("red", invariant)}  ${message}`);
  if (violations.length === 0) output.print(output.style("green", "every invariant holds at this point"));
  return violations.length === 0 ? 0 : 1;
}

function toJson(options: PowerCutOptions, result: SweepResult, durationMs: number): object {
  const { operations, points, pairs, recovered, worn, variants, phases, outcomes, ends } = result;
  const violations = result.violations.map(({ invariant, point, variant, seed, message }) => {
    return { invariant, point, variant, seed, message, replay: replayLine(options, point) };
  });
  return {
    operations,
    points,
    pairs,
    recovered,
    wornSectors: worn,
    variants,
    phases,
    violations,
    violationCount: result.violationCount,
    outcomes,
    ends,
    unprotectedBoots: result.unprotectedBoots,
    nvsOverwrites: result.nvsOverwrites,
    lostRecords: result.lostRecords,
    refetchedMax: result.refetchedMax,
    durationMs,
    pointsPerSecond: perSecond(points, durationMs),
  };
}

function summaryOf(result: SweepResult, durationMs: number, output: CommandOutput): readonly string[] {
  const { operations, points, pairs, recovered, worn, outcomes, ends } = result;
  const count = (value: number) => value.toLocaleString("en").replaceAll(",", " ");
  const lines = [
    `${count(points)} power cuts in ${count(operations)} flash operations, ${count(pairs)} of them second cuts; ${count(recovered)} followed to the end`,
    `started first: the old image ${count(outcomes.old)}, the new one ${count(outcomes.new)}, unprotected-boot ${count(outcomes.unprotectedBoot)}`,
    `ended: confirmed ${count(ends.confirmed)}, rolled-back ${count(ends.rolledBack)}, failed ${count(ends.failed)}; ${count(worn)} updates on a worn sector`,
    `at most ${result.refetchedMax} chunks fetched twice; NVS overwrote a torn entry ${count(result.nvsOverwrites)} times, and lost a weak page with the agent's record ${count(result.lostRecords)} times`,
    `${(durationMs / 1000).toFixed(1)} s, ${count(perSecond(points, durationMs))} cuts a second`,
  ];
  for (const { invariant, point, message } of result.violations) {
    lines.push(`${output.style("red", invariant)}  ${point}  ${message}`);
  }
  const verdict =
    result.violationCount === 0
      ? output.style("green", "every invariant held")
      : output.style("red", `${count(result.violationCount)} violations`);
  return [...lines, verdict];
}

function perSecond(points: number, durationMs: number): number {
  return Math.round((points / Math.max(durationMs, 1)) * 1000);
}
