import type { TextStream } from "./command-output.ts";

/**
 * Keeps a write error of standard output or standard error from ending the command with a stack trace.
 *
 * A closed pipe, for example to `head`, ends the output but not the command. Any other error, such as a full disk, is
 * reported once, and the exit code becomes 1 even if the command succeeds.
 */
export class OutputFaults {
  #hasFault = false;

  /** Listens to a stream. Several calls for one stream add one listener. */
  watch(stream: TextStream): TextStream {
    if (stream.listenerCount("error") > 0) return stream;
    return stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE" || this.#hasFault) return;
      this.#hasFault = true;
      const other = stream === process.stderr ? process.stdout : process.stderr;
      this.watch(other).write(`error[unexpected]: the output can't be written: ${error.code ?? error.message}\n`);
      process.once("exit", () => {
        process.exitCode ||= 1;
      });
    });
  }
}
