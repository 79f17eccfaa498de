import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SweepViolation } from "../power-cut/invariant.ts";
import { parsePoint } from "../power-cut/point-name.ts";
import { replayPoint } from "../power-cut/replay.ts";
import type { ScenarioOptions } from "../power-cut/scenario.ts";
import type { PowerCutOptions } from "./power-cut-inputs.ts";

/** Maximum number of points that are reported in a folder. Each holds a flash image of megabytes. */
const REPORTS_MAX = 5;

/** Returns the command that replays a point. */
export function replayLine(options: PowerCutOptions, point: string): string {
  const { app, update, version, partitionTable, chip, bootloader, seed, agent, idf, bootloaderIdf, appRollback } =
    options;
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
    agent: agent === "c" ? agent : undefined,
    seed,
    replay: point,
  };
  const args = Object.entries(named).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, quoted(String(value))],
  );
  return ["tinybms-sim power-cut", ...args].join(" ");
}

/**
 * Replays the first violations, and writes a folder for each, with the flash after the cut, a trace, and the command that
 * replays it.
 *
 * @returns The folder of the report; `undefined` if there are no violations.
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
    const messages = own.map(({ invariant, message }) => `${invariant}: ${message}\n`).join("");
    await writeFile(join(folder, "violation.txt"), `${name}\n${messages}${replayLine(options, name)}\n`);
    const { trace, flash } = replayPoint(scenario, parsePoint(name));
    await writeFile(join(folder, "trace.jsonl"), trace.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
    await writeFile(join(folder, "flash.bin"), flash);
  }
  return points.length === 0 ? undefined : options.output;
}

/** Quotes a text for a POSIX shell if necessary. */
function quoted(text: string): string {
  return /^[A-Za-z0-9_./:+=@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
