import { concatBytes, equalBytes, OtaError } from "@tinybms/ota-core";
import {
  buildLoaderRequest,
  encodeSlip,
  type LoaderOp,
  LoaderStatus,
  loaderStatusMeaning,
  parseLoaderResponse,
  SlipDecoder,
  splitLoaderStatus,
} from "@tinybms/ota-core/serial";
import type { SerialLine } from "../line/serial-line.ts";

/** How long a loader may take to answer, in milliseconds, unless a command says otherwise. */
export const ANSWER_TIMEOUT_MS = 3000;

/** More text than this between frames, in bytes, is no noise any more: somebody else is talking. */
const STRAY_MAX = 4096;

/** Frames that answer something else, read past before a command counts as unanswered. */
const FRAMES_MAX = 100;

/** What is kept of text that was heard, in bytes, for whoever must say what is wrong. */
const HEARD_MAX = 16_384;

/** What a command answered. */
export interface LoaderAnswer {
  /** uint32. */
  readonly value: number;
  readonly payload: Uint8Array;
}

/** How a command is sent and waited for. */
export interface CommandOptions {
  readonly timeoutMs?: number;
  /** How many bytes it answers besides its status, or how to tell from the size of both. */
  readonly payloadSize?: number | ((size: number) => number);
}

type Op = (typeof LoaderOp)[keyof typeof LoaderOp];

/** Names of commands, for messages. */
export type CommandName = keyof typeof LoaderOp;

/** Speaks with a loader: frames out, frames in, what lies between them kept for a diagnosis. Sends nothing twice. */
export class LoaderLink {
  readonly line: SerialLine;
  readonly #decoder = new SlipDecoder();
  readonly #frames: Uint8Array[] = [];
  #heard: Uint8Array = new Uint8Array(0);
  #straySize = 0;

  constructor(line: SerialLine) {
    this.line = line;
  }

  /** Returns what came outside of frames, the last of it: console text, or noise. */
  get heard(): Uint8Array {
    return this.#heard;
  }

  /** Forgets what was heard. */
  forgetHeard(): void {
    this.#heard = new Uint8Array(0);
  }

  /**
   * Sends a command and takes its answer.
   *
   * @throws {@link OtaError} `serial/noise` where no whole answer came in time.
   * @throws {@link OtaError} `serial/loader-refused` for a status that is an error.
   * @throws {@link OtaError} `serial/port-lost`.
   */
  command(name: CommandName, op: Op, data: Uint8Array, options?: CommandOptions): Promise<LoaderAnswer> {
    return this.exchange(name, op, buildLoaderRequest(op, data), options);
  }

  /** As {@link command}, of a request that is built already. */
  async exchange(name: CommandName, op: Op, request: Uint8Array, options: CommandOptions = {}): Promise<LoaderAnswer> {
    const { timeoutMs = ANSWER_TIMEOUT_MS, payloadSize = 0 } = options;
    this.#straySize = 0;
    await this.line.write(encodeSlip(request));
    for (let count = 0; count < FRAMES_MAX; count++) {
      const response = parseLoaderResponse(await this.frame(name, timeoutMs));
      if (response === undefined) continue;
      const size = typeof payloadSize === "number" ? payloadSize : payloadSize(response.data.length);
      const answer = splitLoaderStatus(response.data, size);
      const isUnknown = answer?.status === LoaderStatus.ROM_BAD_MESSAGE;
      if (answer === undefined || (response.op !== op && !isUnknown)) continue;
      // A ROM that doesn't know a command says so eight times.
      if (isUnknown) await this.drain(200);
      if (answer.status !== LoaderStatus.OK) throw this.#refused(name, answer.status);
      return { value: response.value, payload: answer.payload };
    }
    throw this.silence(name);
  }

  /** Sends bytes as one frame that nothing answers directly. */
  async send(frame: Uint8Array): Promise<void> {
    await this.line.write(encodeSlip(frame));
  }

  /**
   * Returns the next frame, whatever it is.
   *
   * @param name - The command that it is for.
   * @throws {@link OtaError} `serial/noise` when the time is up, or where text comes instead.
   */
  async frame(name: CommandName, timeoutMs: number): Promise<Uint8Array> {
    const deadline = this.line.now() + timeoutMs;
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      const left = deadline - this.line.now();
      if (left <= 0 || !(await this.#receive(left)) || this.#straySize > STRAY_MAX) throw this.silence(name);
    }
  }

  /** Reads until nothing has come for a while; frames are dropped, text is kept as heard. */
  async drain(quietMs: number): Promise<void> {
    for (let size = 0; size < FRAMES_MAX && (await this.#receive(quietMs)); size++);
    this.#frames.length = 0;
    this.#decoder.reset();
  }

  /** Waits for one certain frame. @returns `true` if it came. */
  async expect(wanted: Uint8Array, name: CommandName, timeoutMs: number): Promise<boolean> {
    try {
      for (let count = 0; count < FRAMES_MAX; count++) {
        if (equalBytes(await this.frame(name, timeoutMs), wanted)) return true;
      }
    } catch (error) {
      if (!(error instanceof OtaError) || error.code !== "serial/noise") throw error;
    }
    return false;
  }

  /** Creates the error for a loader without a complete answer. */
  silence(name: CommandName): OtaError<"serial/noise"> {
    const { port } = this.line;
    const message = `the loader on ${port} gave no whole answer to ${name}`;
    const hint = "the line is noisy, or its rate too high: try --baud 115200, a shorter cable, or another USB port";
    return new OtaError("serial/noise", message, { port }, { hint });
  }

  #refused(command: CommandName, status: number): OtaError<"serial/loader-refused"> {
    const { port } = this.line;
    const message = `the loader on ${port} refused ${command}: ${loaderStatusMeaning(status)}`;
    return new OtaError("serial/loader-refused", message, { port, command, status });
  }

  async #receive(timeoutMs: number): Promise<boolean> {
    const bytes = await this.line.read(timeoutMs);
    for (const part of this.#decoder.push(bytes)) {
      if (part.type === "frame") this.#frames.push(part.bytes);
      else {
        this.#straySize += part.bytes.length;
        this.#heard = concatBytes([this.#heard, part.bytes]).slice(-HEARD_MAX);
      }
    }
    return bytes.length > 0;
  }
}
