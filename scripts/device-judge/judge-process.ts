/** Lets vectors judge the device code in C as a process: native, or object code in an emulator. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { isDeepStrictEqual } from "node:util";
import { encodeAction } from "../../firmware-sim/src/conformance/machine-receiver.ts";
import type { JudgedReceiver } from "../../firmware-sim/src/conformance/run-vector.ts";
import type { VectorHeader, VectorObject } from "../../firmware-sim/src/conformance/vector.ts";
import { vectorImage } from "../../firmware-sim/src/conformance/vector-image.ts";
import { VectorJson } from "../../firmware-sim/src/conformance/vector-json.ts";
import { eventInput, vectorInput } from "./judge-input.ts";
import { type JudgeSummary, parseAnswer } from "./judge-output.ts";

/** A receiver that is a running judge. */
export class JudgeProcess implements JudgedReceiver {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #ended: Promise<unknown>;
  #json: VectorJson = new VectorJson(new Uint8Array(1));
  #output: Buffer = Buffer.alloc(0);
  #errors = "";

  /**
   * Starts the judge.
   *
   * @param command - As `buildJudge` returns it.
   * @param env - Environment variables beside those of this process.
   */
  constructor(command: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const [program = "", ...parameters] = command;
    this.#child = spawn(program, parameters, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...env } });
    this.#chunks = this.#child.stdout[Symbol.asyncIterator]();
    this.#ended = once(this.#child, "close");
    this.#child.stdin.on("error", () => undefined);
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#errors += text;
    });
  }

  async begin(header: VectorHeader): Promise<void> {
    this.#json = new VectorJson(vectorImage(header.image.size, header.image.seed));
    this.#child.stdin.write(vectorInput(header));
  }

  /** @throws Error with what the judge printed if it ends, for example because of a sanitizer's finding. */
  async handle(event: VectorObject): Promise<readonly VectorObject[]> {
    this.#child.stdin.write(eventInput(this.#json, event));
    const length = (await this.#take(4)).readUInt32LE();
    const { actions, summary } = parseAnswer(await this.#take(length));
    assertConsistent(summary);
    return actions.map((action) => encodeAction(this.#json, action));
  }

  /**
   * Ends the judge.
   *
   * @throws Error if it fails at the end, for example because of a leak.
   */
  async close(): Promise<void> {
    this.#child.stdin.end();
    await this.#ended;
    if (this.#child.exitCode !== 0) throw this.#fault();
  }

  async #take(length: number): Promise<Buffer> {
    while (this.#output.length < length) {
      const { value, done } = await this.#chunks.next();
      if (done === true) {
        await this.#ended;
        throw this.#fault();
      }
      this.#output = Buffer.concat([this.#output, value]);
    }
    const taken = this.#output.subarray(0, length);
    this.#output = this.#output.subarray(length);
    return taken;
  }

  #fault(): Error {
    const { exitCode, signalCode } = this.#child;
    return new Error(`the judge ended with ${signalCode ?? exitCode}:\n${this.#errors.slice(-4000)}`);
  }
}

/** Checks that the machine's will says what its summary says. */
function assertConsistent({ will, ...summary }: JudgeSummary): void {
  const { state, received, total, error, online } = will;
  // The summary has no code that this version does not know; the will repeats the one in the record.
  const said = { state, error: summary.error === "" ? "" : error?.code, received, total };
  if (!online && isDeepStrictEqual(said, summary)) return;
  throw new Error(`the will says ${JSON.stringify(said)}, the summary ${JSON.stringify(summary)}`);
}
