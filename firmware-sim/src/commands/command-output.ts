import { stripVTControlCharacters, styleText } from "node:util";
import { type OtaError, redactorOf, terminalJson } from "@tinybms/ota-core";

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
  #redact: (text: string) => string = redactorOf([]);

  constructor(io: CommandIo, { json = false, verbose = false, quiet = false }: OutputOptions) {
    this.io = io;
    this.json = json;
    this.verbose = verbose;
    this.quiet = quiet;
  }

  /** Blanks these texts in all that is told from now on; user information in URLs is blanked anyway. */
  hide(secrets: readonly string[]): void {
    this.#redact = redactorOf(secrets);
  }

  /** For people, on standard output; nowhere with `--json`. */
  print(text: string): void {
    if (!this.json) this.io.stdout.write(`${this.#redact(text)}\n`);
  }

  /** The result, for programs: only with `--json`, and once. */
  printJson(document: unknown): void {
    if (this.json) this.io.stdout.write(`${this.#redact(terminalJson(document, 2))}\n`);
  }

  /** What goes on meanwhile, on standard error, unless `--quiet`. */
  note(text: string): void {
    if (!this.quiet) this.io.stderr.write(`${this.#redact(text)}\n`);
  }

  /** One line for each event, on standard error, with `--verbose`. */
  trace(event: unknown): void {
    if (this.verbose) this.io.stderr.write(`${this.#redact(terminalJson(event))}\n`);
  }

  warn(text: string): void {
    const { stderr, env } = this.io;
    stderr.write(`${paint(stderr, env, "yellow", "warning:")} ${this.#redact(printable(text))}\n`);
  }

  /** Text for standard output, styled where that is a terminal. */
  style(style: Style, text: string): string {
    return paint(this.io.stdout, this.io.env, style, text);
  }

  /** One line that says what is wrong, what to do, and with `--verbose` where it came from. */
  fail(error: OtaError): void {
    const { stderr, env } = this.io;
    const message = this.#redact(printable(error.message));
    stderr.write(`${paint(stderr, env, "red", `error[${error.code}]:`)} ${message}\n`);
    // The grammar of faults has lines of its own.
    const hint = error.hint === undefined ? undefined : this.#redact(error.hint.split("\n").map(printable).join("\n"));
    if (hint !== undefined) stderr.write(`${paint(stderr, env, "cyan", "hint:")} ${hint}\n`);
    if (this.verbose && error.stack !== undefined) stderr.write(`${this.#redact(error.stack)}\n`);
  }

  /** What nobody foresaw, as an error without a code of its own. */
  failUnexpectedly(thrown: unknown): void {
    const message = this.#redact(thrown instanceof Error ? thrown.message : String(thrown));
    const text = this.verbose && thrown instanceof Error ? this.#redact(thrown.stack ?? message) : message;
    this.printJson({ error: { code: "unexpected", message, details: {} } });
    this.io.stderr.write(`error[unexpected]: ${text}\n`);
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
