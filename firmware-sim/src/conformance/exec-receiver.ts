import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import { OtaError, parseStrictJson } from "@tinybms/ota-core";
import type { JudgedReceiver } from "./run-vector.ts";
import { isObject, type VectorHeader, type VectorObject } from "./vector.ts";

/** Maximum length of a program's answer, in characters. */
const LINE_LENGTH_MAX = 1024 * 1024;

/** Maximum time for one answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 60_000;

/**
 * A receiver in a separate process.
 *
 * It reads one JSON document per line: a header begins a vector and has no answer; each `{"event": …}` is answered by
 * one line `{"actions": […]}`. See vectors/v1/README.md.
 */
export class ExecReceiver implements JudgedReceiver {
  readonly #command: string;
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #answers: AsyncIterator<string>;
  #failure: Error | undefined;

  /**
   * Starts the program in a shell.
   *
   * @param command - Command line.
   */
  constructor(command: string) {
    this.#command = command;
    this.#child = spawn(command, { shell: true, stdio: ["pipe", "pipe", "inherit"] });
    this.#child.on("error", (error) => {
      this.#failure = error;
    });
    const { stdin, stdout } = this.#child;
    if (stdin === null || stdout === null) throw new Error("the streams are pipes");
    stdin.on("error", () => undefined);
    this.#lines = createInterface({ input: stdout });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  async begin(header: VectorHeader): Promise<void> {
    this.#send(header);
  }

  /**
   * Sends an event to the program and returns its answer.
   *
   * @throws {@link OtaError} `simulation/no-answer` if the program ends, does not answer in time, or gives an invalid
   *   answer.
   */
  async handle(event: VectorObject): Promise<readonly VectorObject[]> {
    this.#send({ event });
    const line = await this.#nextLine();
    if (line === undefined) throw this.#fault("it ended without an answer");
    if (line.length > LINE_LENGTH_MAX) throw this.#fault(`its answer has ${line.length} characters`);
    const parsed = parseStrictJson(line);
    const actions = parsed.ok && isObject(parsed.value) ? parsed.value.actions : undefined;
    if (!Array.isArray(actions) || !actions.every(isObject)) {
      throw this.#fault(`it answered ${JSON.stringify(line.slice(0, 200))}; it must answer {"actions": […]}`);
    }
    return actions as readonly VectorObject[];
  }

  /** Kills the program. */
  kill(): void {
    this.#lines.close();
    this.#child.stdin?.destroy();
    this.#child.kill("SIGKILL");
  }

  /** Ends the program. */
  async close(): Promise<void> {
    this.#lines.close();
    this.#child.stdin?.end();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#failure !== undefined) return;
    const closed = once(this.#child, "close");
    const late = setTimeout(() => this.#child.kill("SIGKILL"), 2_000);
    await closed;
    clearTimeout(late);
  }

  #send(document: VectorHeader | VectorObject): void {
    this.#child.stdin?.write(`${JSON.stringify(document)}\n`);
  }

  async #nextLine(): Promise<string | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), ANSWER_TIMEOUT_MS);
    });
    const next = await Promise.race([this.#answers.next(), late]);
    clearTimeout(timer);
    if (next === undefined) throw this.#fault(`it did not answer within ${ANSWER_TIMEOUT_MS / 1000} s`);
    return next.done === true ? undefined : next.value;
  }

  #fault(reason: string): OtaError<"simulation/no-answer"> {
    const message = `the receiver ${JSON.stringify(this.#command)}: ${this.#failure?.message ?? reason}`;
    return new OtaError("simulation/no-answer", message, { command: this.#command });
  }
}
