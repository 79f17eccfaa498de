import { OtaError } from "@tinybms/ota-core";

/**
 * Splits a command line into the program and its arguments, without a shell: white space separates, `'…'` and `"…"` keep
 * together what stands between, and no other character means anything. A backslash is a backslash (paths of Windows);
 * one kind of quote stands inside the other. Whoever wants a shell writes `sh -c '…'`.
 *
 * @param option - Where the text came from, for the error.
 * @throws OtaError `arguments/invalid` where a quote is not closed, or nothing stands there.
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
