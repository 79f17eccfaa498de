/** Espressif's Python tools, which our formats are held against. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const TOOLS = fileURLToPath(new URL("../.tools/python/", import.meta.url));
/** Their Python. */
export const PYTHON: string = `${TOOLS}${process.platform === "win32" ? "Scripts/python.exe" : "bin/python"}`;
const DRIVER = fileURLToPath(new URL("judges.py", import.meta.url));

/** The tools are not installed, so nothing can be judged. */
export const hasNoJudges: boolean = !existsSync(`${TOOLS}requirements.sha256`);

/** Stands behind the name of a test that is skipped for it. */
export const JUDGES: string = hasNoJudges ? " (skipped: run node scripts/python-tools.ts)" : "";

/** One command of a tool. */
export interface Job {
  readonly tool: "esptool" | "espsecure" | "espefuse" | "nvs";
  readonly args: readonly string[];
}

/** What came of a command. */
export interface ToolVerdict {
  readonly ok: boolean;
  /** What it printed. */
  readonly output: string;
}

/** Runs commands one after the other, all in one Python. */
export async function judge(jobs: readonly Job[]): Promise<readonly ToolVerdict[]> {
  const child = spawn(PYTHON, [DRIVER], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(JSON.stringify(jobs));
  const verdicts: unknown = JSON.parse(await text(child.stdout));
  if (!Array.isArray(verdicts) || verdicts.length !== jobs.length) throw new Error("judges.py must answer every job");
  return verdicts as readonly ToolVerdict[];
}
