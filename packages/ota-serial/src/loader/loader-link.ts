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

/** Default time limit for an answer, in milliseconds. */
export const ANSWER_TIMEOUT_MS = 3000;

/** Bytes between frames after which the sender is not a loader. */
const STRAY_MAX = 4096;

/** Number of frames to skip before a command counts as unanswered. */
const FRAMES_MAX = 100;

/** Bytes to keep of what arrives outside of frames, for diagnosis. */
const HEARD_MAX = 16_384;

/** Answer to a command. */
export interface LoaderAnswer {
  /** Value field, a uint32. */
  readonly value: number;
  readonly payload: Uint8Array;
}

/** Options of {@link LoaderLink.command}. */
export interface CommandOptions {
  readonly timeoutMs?: number;
  /** Size of the answer's payload in bytes, or a function from the size of payload and status. @defaultValue 0 */
  readonly payloadSize?: number | ((size: number) => number);
}

type Op = (typeof LoaderOp)[keyof typeof LoaderOp];

/** Names of commands, for messages. */
export type CommandName = keyof typeof LoaderOp;

/**
 * Exchanges frames with a loader. Keeps what arrives outside of frames for diagnosis. Never sends a command again by
 * itself.
 */
export class LoaderLink {
  readonly line: SerialLine;
  readonly #decoder = new SlipDecoder();
  readonly #frames: Uint8Array[] = [];
  #heard: Uint8Array = new Uint8Array(0);
  #straySize = 0;

  constructor(line: SerialLine) {
    this.line = line;
  }

  /** Returns the most recent bytes outside of frames: console text or noise. */
  get heard(): Uint8Array {
    return this.#heard;
  }

  /** Clears {@link heard}. */
  clearHeard(): void {
    this.#heard = new Uint8Array(0);
  }

  /**
   * Sends a command and waits for its answer.
   *
   * @throws {@link OtaError} `serial/noise` if no complete answer arrived in time.
   * @throws {@link OtaError} `serial/loader-refused` if the status is an error.
   * @throws {@link OtaError} `serial/port-lost`.
   */
  command(name: CommandName, op: Op, data: Uint8Array, options?: CommandOptions): Promise<LoaderAnswer> {
    return this.exchange(name, op, buildLoaderRequest(op, data), options);
  }

  /** Sends an encoded request and waits for its answer, like {@link command}. */
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
      // A ROM answers an unknown command eight times.
      if (isUnknown) await this.drain(200);
      if (answer.status !== LoaderStatus.OK) throw this.#refused(name, answer.status);
      return { value: response.value, payload: answer.payload };
    }
    throw this.silence(name);
  }

  /** Sends one frame without waiting for an answer. */
  async send(frame: Uint8Array): Promise<void> {
    await this.line.write(encodeSlip(frame));
  }

  /**
   * Returns the next frame.
   *
   * @param name - Command that waits for it, for messages.
   * @throws {@link OtaError} `serial/noise` if none arrives in time, or text arrives instead.
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

  /** Reads until nothing arrives for `quietMs` milliseconds. Drops frames and keeps text as {@link heard}. */
  async drain(quietMs: number): Promise<void> {
    for (let size = 0; size < FRAMES_MAX && (await this.#receive(quietMs)); size++);
    this.#frames.length = 0;
    this.#decoder.reset();
  }

  /**
   * Waits for one particular frame.
   *
   * @returns `true` if the frame arrived.
   */
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
    const message = `the loader on ${port} sent no complete answer to ${name}`;
    const hint = "the line is noisy or its baud rate too high: try --baud 115200, a shorter cable, or another USB port";
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
