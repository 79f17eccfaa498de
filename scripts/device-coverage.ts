/**
 * Measures which branches of the device code in C the conformance vectors take, and prints a table by file.
 *
 * node --conditions=@tinybms/source scripts/device-coverage.ts [--missing]
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runVector } from "../firmware-sim/src/conformance/run-vector.ts";
import { parseVector } from "../firmware-sim/src/conformance/vector.ts";
import { buildJudge, missingTools } from "./device-judge/judge-build.ts";
import { JudgeProcess } from "./device-judge/judge-process.ts";

const VECTORS = join(import.meta.dirname, "..", "vectors", "v1");

const LLVM_TOOLS = { profdata: "llvm-profdata-19", cov: "llvm-cov-19" } as const;

/** A way that a condition can turn out, and whether a vector has it. */
interface Branch {
  readonly line: number;
  readonly outcome: boolean;
  readonly isTaken: boolean;
}

/** Branches of a source file. */
export interface FileCoverage {
  /** Path from the component's folder `src`. */
  readonly file: string;
  readonly branches: readonly Branch[];
}

/** Returns the programs that are needed and not installed. */
export function missingCoverageTools(): readonly string[] {
  const tools = Object.values(LLVM_TOOLS).filter((tool) => spawnSync(tool, ["--version"]).status !== 0);
  return [...missingTools("coverage"), ...tools];
}

/**
 * Runs all vectors and returns the branches of the codecs and of the state machine.
 *
 * @throws Error if a vector fails, or a tool does.
 */
export async function measureCoverage(): Promise<readonly FileCoverage[]> {
  const folder = mkdtempSync(join(tmpdir(), "tinybms-coverage-"));
  const [raw, merged] = [join(folder, "raw"), join(folder, "merged")];
  try {
    const command = buildJudge("coverage");
    const judge = new JudgeProcess(command, { LLVM_PROFILE_FILE: raw });
    for (const name of readdirSync(VECTORS).filter((file) => file.endsWith(".jsonl"))) {
      const failure = await runVector(parseVector(readFileSync(join(VECTORS, name), "utf8"), name), judge);
      if (failure !== undefined) throw new Error(`${name}:${failure.line} fails at ${failure.path}`);
    }
    await judge.close();
    run(LLVM_TOOLS.profdata, ["merge", raw, "-o", merged]);
    const { data } = JSON.parse(run(LLVM_TOOLS.cov, ["export", ...command, `-instr-profile=${merged}`])) as Export;
    return (data[0]?.files ?? []).flatMap(coverageOf);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What `llvm-cov export` prints, as far as it is used. */
interface Export {
  readonly data: readonly { readonly files: readonly ExportedFile[] }[];
}

interface ExportedFile {
  readonly filename: string;
  /** First line and column, last line and column, how often true and false, and numbers that don't matter here. */
  readonly branches: readonly (readonly [number, number, number, number, number, number, ...unknown[]])[];
}

function coverageOf({ filename, branches }: ExportedFile): readonly FileCoverage[] {
  const [, file] = /\/tinybms_ota\/src\/((?:codec|core)\/.*)$/.exec(filename) ?? [];
  if (file === undefined || branches.length === 0) return [];
  const outcomes = branches.flatMap(([line, , , , yes, no]) => [
    { line, outcome: true, isTaken: yes > 0 },
    { line, outcome: false, isTaken: no > 0 },
  ]);
  return [{ file, branches: outcomes }];
}

/** Returns the share of branches that vectors take, 0 to 1. */
export function shareOf(files: readonly FileCoverage[]): number {
  const branches = files.flatMap((file) => file.branches);
  return branches.filter(({ isTaken }) => isTaken).length / branches.length;
}

function run(program: string, parameters: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, parameters, { encoding: "utf8", maxBuffer: 256 * 1024 * 1024 });
  if (status !== 0) throw new Error(`${program} failed:\n${stderr}`);
  return stdout;
}

/** Prints the table, and with `--missing` the lines with a branch that no vector takes. */
async function main(): Promise<void> {
  const files = await measureCoverage();
  const row = (name: string, group: readonly FileCoverage[]): void => {
    const branches = group.flatMap((file) => file.branches);
    const missed = branches.filter(({ isTaken }) => !isTaken);
    const share = (100 * shareOf(group)).toFixed(1).padStart(6);
    process.stdout.write(
      `${name.padEnd(24)}${String(branches.length).padStart(6)}${String(missed.length).padStart(6)}${share} %\n`,
    );
    if (!process.argv.includes("--missing") || group.length > 1) return;
    for (const { line, outcome } of missed) process.stdout.write(`    line ${line}: never ${outcome}\n`);
  };
  process.stdout.write(`${"file".padEnd(22)}branches missed share\n`);
  for (const file of files) row(file.file, [file]);
  row("all", files);
}

if (import.meta.main) await main();
