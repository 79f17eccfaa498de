import { stripVTControlCharacters, styleText } from "node:util";
import type { OtaError } from "@tinybms/ota-core";

/** Where a command's text goes: a stream of the process, or one that collects it. */
export type TextStream = NodeJS.WritableStream & { readonly isTTY?: boolean | undefined };

/** What a command has of the world outside the file system and the network. */
export interface CommandIo {
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted on Ctrl-C. */
  readonly signal: AbortSignal;
}

/** The options that every command has. */
export interface OutputOptions {
  readonly json?: boolean;
  readonly verbose?: boolean;
  readonly quiet?: boolean;
}

type Style = Parameters<typeof styleText>[0];

/** What a command says. With `--json` standard output gets one document and nothing else. */
export class CommandOutput {
  readonly io: CommandIo;
  readonly json: boolean;
  readonly verbose: boolean;
  readonly quiet: boolean;

  constructor(io: CommandIo, { json = false, verbose = false, quiet = false }: OutputOptions) {
    this.io = io;
    this.json = json;
    this.verbose = verbose;
    this.quiet = quiet;
  }

  /** For people, on standard output; nowhere with `--json`. */
  print(text: string): void {
    if (!this.json) this.io.stdout.write(`${text}\n`);
  }

  /** The result, for programs: only with `--json`, and once. */
  printJson(document: unknown): void {
    if (this.json) this.io.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  }

  /** What goes on meanwhile, on standard error, unless `--quiet`. */
  note(text: string): void {
    if (!this.quiet) this.io.stderr.write(`${text}\n`);
  }

  warn(text: string): void {
    this.io.stderr.write(`${paint(this.io.stderr, this.io.env, "yellow", "warning:")} ${printable(text)}\n`);
  }

  /** Text for standard output, styled where that is a terminal. */
  style(style: Style, text: string): string {
    return paint(this.io.stdout, this.io.env, style, text);
  }

  /** One line that says what is wrong, what to do, and with `--verbose` where it came from. */
  fail(error: OtaError): void {
    const { stderr, env } = this.io;
    stderr.write(`${paint(stderr, env, "red", `error[${error.code}]:`)} ${printable(error.message)}\n`);
    if (error.hint !== undefined) stderr.write(`${paint(stderr, env, "cyan", "hint:")} ${error.hint}\n`);
    if (this.verbose && error.stack !== undefined) stderr.write(`${error.stack}\n`);
  }
}

/** Text that came from outside, without what a terminal would take for a command, on one line. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ");
}

function paint(stream: TextStream, env: CommandIo["env"], style: Style, text: string): string {
  const isPlain = stream.isTTY !== true || (env.NO_COLOR ?? "") !== "" || env.TERM === "dumb";
  return isPlain ? text : styleText(style, text, { validateStream: false });
}
