import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { OtaError } from "@tinybms/ota-core";
import type { ExecAnswer, ExecOrder, ExecThreadData } from "./exec-protocol.ts";
import type { VectorHeader, VectorObject } from "./vector.ts";

/** Worker next to this file, with its extension: TypeScript from source, JavaScript from a package. */
const WORKER = new URL(import.meta.url.endsWith(".ts") ? "./exec-worker.ts" : "./exec-worker.js", import.meta.url);

/** Limit for one answer, in milliseconds. The other thread gives up earlier, and says why. */
const ANSWER_TIMEOUT_MS = 120_000;

/** One process of a program. */
export interface ExecProcess {
  /**
   * Hands an event to the program, and stops this thread until it has answered.
   *
   * @throws {@link OtaError} `simulation/no-answer` if the program ends, is silent, or answers something else.
   */
  handle(event: VectorObject): readonly VectorObject[];
  /** Kills the process, as a power cut does. */
  kill(): void;
}

/**
 * Runs processes of a program for a simulation that can't wait for promises: another thread talks to them, and the calling
 * thread stops until an answer is there.
 */
export class ExecThread {
  readonly #command: string;
  readonly #answered: Int32Array<SharedArrayBuffer>;
  readonly #port: MessagePort;
  readonly #worker: Worker;
  #lastId = 0;

  /** @param command - Command line of the program. */
  constructor(command: string) {
    const { port1, port2 } = new MessageChannel();
    const answered = new SharedArrayBuffer(4);
    const data: ExecThreadData = { command, port: port2, answered };
    this.#command = command;
    this.#answered = new Int32Array(answered);
    this.#port = port1;
    this.#worker = new Worker(WORKER, { workerData: data, transferList: [port2] });
  }

  /** Starts a process and gives it a header. */
  start(header: VectorHeader): ExecProcess {
    this.#lastId++;
    const id = this.#lastId;
    this.#send({ type: "start", id, header });
    return {
      handle: (event) => this.#handle(id, event),
      kill: () => this.#send({ type: "kill", id }),
    };
  }

  /** Ends the thread. Processes that were not killed get the end of their input. */
  async close(): Promise<void> {
    this.#port.close();
    await this.#worker.terminate();
  }

  #send(order: ExecOrder): void {
    this.#port.postMessage(order);
  }

  #handle(id: number, event: VectorObject): readonly VectorObject[] {
    Atomics.store(this.#answered, 0, 0);
    this.#send({ type: "handle", id, event });
    Atomics.wait(this.#answered, 0, 0, ANSWER_TIMEOUT_MS);
    const answer = receiveMessageOnPort(this.#port)?.message as ExecAnswer | undefined;
    if (answer !== undefined && "actions" in answer) return answer.actions;
    const message = answer?.fault ?? `the receiver ${JSON.stringify(this.#command)} did not answer`;
    throw new OtaError("simulation/no-answer", message, { command: this.#command });
  }
}
