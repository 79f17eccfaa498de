import { spawn } from "node:child_process";
import { constants } from "node:os";

/** A process to start. Arguments go to it as they are: no shell reads them. */
export interface ProcessCall {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How a process ended. */
export interface ProcessResult {
  /** Its exit code; of one that a signal ended 128 and the signal's number, as shells have it. */
  readonly exitCode: number;
  /** The end of what it printed on both streams; empty where they are the caller's own. */
  readonly output: string;
}

/** So many characters of a process's output are kept. */
const OUTPUT_LENGTH_MAX = 20_000;

/**
 * Runs a process to its end, and keeps the end of what it prints.
 *
 * @throws The system's error if it can't be started; the signal's reason, after the process has ended.
 */
export function runProcess(call: ProcessCall): Promise<ProcessResult> {
  return start(call, "pipe");
}

/** Runs a process on the caller's own streams. Signals that would end this process go to that one. */
export function runOnTerminal(call: ProcessCall): Promise<ProcessResult> {
  return start(call, "inherit");
}

function start(call: ProcessCall, streams: "pipe" | "inherit"): Promise<ProcessResult> {
  const { program, args, env, cwd, signal } = call;
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const stdio = streams === "inherit" ? "inherit" : (["ignore", "pipe", "pipe"] as const);
    const child = spawn(program, args, {
      env,
      cwd,
      windowsHide: true,
      stdio: stdio === "inherit" ? stdio : [...stdio],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        output = `${output}${text}`.slice(-OUTPUT_LENGTH_MAX);
      });
    }
    const stop = (): void => void child.kill();
    const forward = (name: NodeJS.Signals): void => void child.kill(name);
    signal?.addEventListener("abort", stop, { once: true });
    const forwarded: readonly NodeJS.Signals[] = streams === "inherit" ? ["SIGINT", "SIGTERM", "SIGHUP"] : [];
    for (const name of forwarded) process.on(name, forward);
    const end = (): void => {
      signal?.removeEventListener("abort", stop);
      for (const name of forwarded) process.off(name, forward);
    };
    child.once("error", (error) => {
      end();
      reject(error);
    });
    child.once("close", (code, killedBy) => {
      end();
      if (signal?.aborted === true) return reject(signal.reason);
      resolve({ exitCode: code ?? 128 + (killedBy === null ? 0 : constants.signals[killedBy]), output });
    });
  });
}
