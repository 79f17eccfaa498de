import { OtaError } from "@tinybms/ota-core";

/** Terminal for prompts. */
export interface PromptTerminal {
  readonly input: NodeJS.ReadableStream & { isTTY?: boolean; setRawMode?(raw: boolean): unknown };
  readonly output: { write(text: string): unknown };
}

/** Characters that a terminal sends in raw mode. */
const Key = { interrupt: "\u0003", end: "\u0004", backspace: "\b", delete: "\u007f", clear: "\u0015" } as const;

/** Longest answer, in characters. */
const ANSWER_LENGTH_MAX = 1024;

/**
 * Prompts for a secret on a terminal without echoing it.
 *
 * @returns The answer, or `undefined` if there is no terminal.
 * @throws {@link OtaError} `delivery/interrupted` on Ctrl-C, or if the terminal closes.
 */
export async function askSecret(question: string, terminal: PromptTerminal): Promise<string | undefined> {
  const { input, output } = terminal;
  if (input.isTTY !== true || input.setRawMode === undefined) return undefined;
  input.setRawMode(true); // Before the question, so that an immediate answer is not echoed.
  output.write(question);
  try {
    return await readAnswer(input);
  } finally {
    input.pause();
    input.setRawMode(false);
    output.write("\n");
  }
}

function readAnswer(input: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const end = (): void => {
      input.off("data", onData);
      input.off("end", interrupted);
    };
    const interrupted = (): void => {
      end();
      reject(new OtaError("delivery/interrupted", "interrupted", {}));
    };
    const onData = (piece: Uint8Array | string): void => {
      for (const character of String(piece)) {
        if (character === "\r" || character === "\n" || character === Key.end) {
          end();
          return resolve(answer);
        }
        if (character === Key.interrupt) return interrupted();
        answer = typed(answer, character);
      }
    };
    input.on("data", onData);
    input.on("end", interrupted);
    input.resume();
  });
}

function typed(answer: string, character: string): string {
  if (character === Key.clear) return "";
  if (character === Key.backspace || character === Key.delete) return [...answer].slice(0, -1).join("");
  return answer.length < ANSWER_LENGTH_MAX ? answer + character : answer;
}
