import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SweepViolation } from "../power-cut/invariant.ts";
import { parsePoint } from "../power-cut/point-name.ts";
import { replayPoint } from "../power-cut/replay.ts";
import type { ScenarioOptions } from "../power-cut/scenario.ts";
import type { PowerCutOptions } from "./power-cut-inputs.ts";

/** Violations that get a folder of their own: a flash image each is megabytes. */
const REPORTS_MAX = 5;

/** The command that does one point again. */
export function replayLine(options: PowerCutOptions, point: string): string {
  const { app, update, version, partitionTable, chip, bootloader, seed, idf, bootloaderIdf, appRollback } = options;
  const named = {
    app,
    update,
    version,
    "partition-table": partitionTable,
    chip,
    bootloader,
    idf: idf?.release.name,
    "bootloader-idf": bootloaderIdf?.release.name,
    "app-rollback": appRollback,
    seed,
    replay: point,
  };
  const args = Object.entries(named).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, quoted(String(value))],
  );
  return ["tinybms-sim power-cut", ...args].join(" ");
}

/**
 * Does the first violations again, and writes for each the flash as the cut left it, what happened, and the command that
 * repeats it.
 *
 * @returns The folder; `undefined` where there is nothing to write.
 */
export async function writeReports(
  options: PowerCutOptions,
  scenario: ScenarioOptions,
  violations: readonly SweepViolation[],
): Promise<string | undefined> {
  const points = [...new Set(violations.map(({ point }) => point))].slice(0, REPORTS_MAX);
  for (const [index, name] of points.entries()) {
    const own = violations.filter(({ point }) => point === name);
    const folder = join(options.output, `${index + 1}-${own[0]?.invariant ?? "violation"}`);
    await mkdir(folder, { recursive: true });
    const told = own.map(({ invariant, message }) => `${invariant}: ${message}\n`).join("");
    await writeFile(join(folder, "violation.txt"), `${name}\n${told}${replayLine(options, name)}\n`);
    const { trace, flash } = replayPoint(scenario, parsePoint(name));
    await writeFile(join(folder, "trace.jsonl"), trace.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
    await writeFile(join(folder, "flash.bin"), flash);
  }
  return points.length === 0 ? undefined : options.output;
}

/** For a shell. */
function quoted(text: string): string {
  return /^[A-Za-z0-9_./:+=@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
