/** Help text of the program, as `scripts/bundle-command.ts` writes it next to the bundle. */
export interface BuiltHelp {
  /** For a file, a pipe, and a terminal of {@link DEFAULT_COLUMNS} columns. */
  readonly wrapped: string;
  /** Without a line break that a narrow terminal makes necessary. */
  readonly unwrapped: string;
}

/** Width of the help text if standard output is not a terminal, in columns. */
export const DEFAULT_COLUMNS = 80;

/**
 * Prints the help text of the program as the build left it: nothing else of the program is loaded for it.
 *
 * @param argv - Arguments after the program name.
 * @param file - The {@link BuiltHelp}.
 * @returns `false` if nothing is printed, and the program itself must answer: for other arguments, for a terminal that
 *   needs other line breaks, without a built text, and if the output can't be written.
 */
export function printBuiltHelp(argv: readonly string[], file: URL): boolean {
  if (argv.length !== 1 || (argv[0] !== "--help" && argv[0] !== "-h")) return false;
  // Reading all exports of `node:fs`, as an import does, loads streams.
  const { fstatSync, readFileSync, writeSync } = process.getBuiltinModule("node:fs");
  try {
    const { wrapped, unwrapped }: BuiltHelp = JSON.parse(readFileSync(file, "utf8"));
    // Opening the stream takes longer than everything else here, and only a character device can be a terminal.
    const isTerminal = fstatSync(1).isCharacterDevice() && process.stdout.isTTY === true;
    const columns = isTerminal ? process.stdout.columns : DEFAULT_COLUMNS;
    const text = columns === DEFAULT_COLUMNS ? wrapped : unwrapped;
    if (text.split("\n").some((line) => line.length > columns)) return false;
    // Less than the pipe's atomic size: it is written as a whole, or not at all.
    return writeSync(1, text) === text.length;
  } catch {
    return false;
  }
}
