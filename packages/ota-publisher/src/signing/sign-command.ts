import { spawn } from "node:child_process";
import { type CommandWorld, printable } from "@tinybms/cli-kit/output";
import { concatBytes, decodeUtf8, OtaError } from "@tinybms/ota-core";
import { splitCommand } from "./argument-list.ts";
import { PASSPHRASE_VARIABLE } from "./passphrase.ts";

/** Time limit of a command, in milliseconds. A smart card may ask a person for a PIN or a touch. */
const COMMAND_TIMEOUT_MS = 120_000;

/** Largest output of a command, in bytes. No signature is larger than 512 (RSA with 4096 bits). */
const SIGNATURE_SIZE_MAX = 1024;

/** Bytes to keep of the command's stderr. */
const COMPLAINT_SIZE_MAX = 2048;

/**
 * Signs a message with a command, which receives the message on stdin and writes the raw signature to stdout. The
 * command runs without a shell (see {@link splitCommand}) and without the passphrase in its environment. It can prompt
 * for a PIN on the terminal.
 *
 * @param text - Program and arguments.
 * @param timeoutMs - Time limit in milliseconds.
 * @throws {@link OtaError} `signing/command-failed`, `arguments/invalid`, `delivery/interrupted`.
 */
export async function runSignCommand(
  text: string,
  message: Uint8Array,
  { env, signal }: Pick<CommandWorld, "env" | "signal">,
  timeoutMs: number = COMMAND_TIMEOUT_MS,
): Promise<Uint8Array> {
  const [program, ...args] = splitCommand(text, "--sign-command");
  const { [PASSPHRASE_VARIABLE]: _, ...childEnv } = env;
  const child = spawn(program, args, { env: childEnv, stdio: "pipe", windowsHide: true });
  return new Promise<Uint8Array>((resolve, reject) => {
    const [output, complaint]: [Uint8Array[], Uint8Array[]] = [[], []];
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      settle();
    };
    const fail = (reason: string): void => stop(commandFailed(program, reason, complaintOf(complaint)));
    const stop = (error: OtaError): void => {
      end(() => reject(error));
      child.kill("SIGKILL");
      // A grandchild may keep the pipes open.
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const onAbort = (): void => stop(new OtaError("delivery/interrupted", "interrupted", {}));
    const timer = setTimeout(() => fail(`it did not finish within ${timeoutMs / 1000} s`), timeoutMs);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    child.stdout.on("data", (piece: Uint8Array) => {
      output.push(piece);
      if (sizeOf(output) > SIGNATURE_SIZE_MAX)
        fail(`it wrote more than ${SIGNATURE_SIZE_MAX} bytes, which is not a signature`);
    });
    child.stderr.on("data", (piece: Uint8Array) => {
      if (sizeOf(complaint) < COMPLAINT_SIZE_MAX) complaint.push(piece.subarray(0, COMPLAINT_SIZE_MAX));
    });
    child.on("error", (cause: NodeJS.ErrnoException) => {
      fail(cause.code === "ENOENT" ? "there is no such program" : `it can't be started (${cause.code ?? ""})`);
    });
    child.on("close", (code, signalName) => {
      if (code !== 0) return fail(`it ended with ${code === null ? `signal ${signalName}` : `exit code ${code}`}`);
      if (sizeOf(output) === 0) return fail("it wrote no signature");
      end(() => resolve(Uint8Array.from(concatBytes(output))));
    });
    // A command that ends without reading its input is judged by its output.
    child.stdin.on("error", () => undefined);
    child.stdin.end(message);
  });
}

function sizeOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((size, { length }) => size + length, 0);
}

function complaintOf(pieces: readonly Uint8Array[]): string {
  const bytes = concatBytes(pieces);
  return printable(decodeUtf8(bytes) ?? "").trim();
}

function commandFailed(program: string, reason: string, complaint: string): OtaError<"signing/command-failed"> {
  const said = complaint === "" ? "" : `; its stderr: ${complaint}`;
  return new OtaError("signing/command-failed", `--sign-command ${program}: ${reason}${said}`, { reason });
}
