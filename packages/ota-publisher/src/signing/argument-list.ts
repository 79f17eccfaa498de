import { OtaError } from "@tinybms/ota-core";

/**
 * Splits a command line into a program and its arguments without a shell. White space separates arguments; `'…'` and
 * `"…"` quote. No other character is special, so that Windows paths work. To use a shell, write `sh -c '…'`.
 *
 * @param option - Option that contains the text, for the error.
 * @throws {@link OtaError} `arguments/invalid` if a quote is not closed or the text is empty.
 */
export function splitCommand(text: string, option: string): readonly [program: string, ...rest: string[]] {
  const words: string[] = [];
  let word: string | undefined;
  for (const [part, single, double] of text.matchAll(/'([^']*)'|"([^"]*)"|\s+|[^'"\s]+|['"]/gu)) {
    if (part === "'" || part === '"') throw invalid(`a ${part} is not closed`, option);
    if (/^\s+$/u.test(part)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + (single ?? double ?? part);
  }
  if (word !== undefined) words.push(word);
  const [program, ...rest] = words;
  if (program === undefined || program === "") throw invalid("it names no program", option);
  return [program, ...rest];
}

function invalid(reason: string, option: string): OtaError<"arguments/invalid"> {
  return new OtaError("arguments/invalid", `${option} can't be run: ${reason}`, { option });
}
