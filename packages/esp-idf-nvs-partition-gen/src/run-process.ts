import { spawn } from "node:child_process";
import { constants } from "node:os";

/** Process to start. Its arguments pass through no shell. */
export interface ProcessCall {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Result of a process. */
export interface ProcessResult {
  /** Exit code. If a signal ended the process: 128 plus the signal's number, as in a shell. */
  readonly exitCode: number;
  /** End of what the process printed to stdout and stderr. Empty if it used the caller's streams. */
  readonly output: string;
}

/** Characters to keep of a process's output. */
const OUTPUT_LENGTH_MAX = 20_000;

/**
 * Runs a process until it ends, and keeps the end of its output.
 *
 * @throws The system's error if the process can't be started.
 * @throws The signal's reason, once the process has ended.
 */
export function runProcess(call: ProcessCall): Promise<ProcessResult> {
  return start(call, "pipe");
}

/** Runs a process on the caller's streams and forwards this process's termination signals to it. */
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
