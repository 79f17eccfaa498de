import { isOtaError, OtaError, redactorOf, terminalJson } from "@tinybms/ota-core";

/** Stream for a command's text: one of the process, or one that collects it. */
export type TextStream = NodeJS.WritableStream & {
  readonly isTTY?: boolean | undefined;
  /** Width of the terminal. */
  readonly columns?: number | undefined;
};

/** A command's environment except the file system. */
export interface CommandWorld {
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted on Ctrl-C. */
  readonly signal: AbortSignal;
  /** Whether the command must not prompt, even if the process has a terminal. */
  readonly isUnattended?: boolean;
  /** Width of help texts in columns. @defaultValue the terminal's, or 80 */
  readonly columns?: number;
}

/** Output options of every command. */
export interface OutputOptions {
  readonly json?: boolean;
  readonly verbose?: boolean;
  readonly quiet?: boolean;
}

type NodeUtil = typeof import("node:util");
type Style = Parameters<NodeUtil["styleText"]>[0];

/** Returns `node:util`, loaded only when needed: loading takes longer than most commands take to print. */
const util = (): NodeUtil => process.getBuiltinModule("node:util");

/** Secrets of each world. An output that is created later redacts them too. */
const SECRETS = new WeakMap<CommandWorld, Set<string>>();

/** Output of a command. With `--json`, standard output gets only one document. */
export class CommandOutput {
  readonly world: CommandWorld;
  readonly json: boolean;
  readonly verbose: boolean;
  readonly quiet: boolean;
  readonly #secrets: Set<string>;
  #redact: { readonly count: number; readonly apply: (text: string) => string };

  constructor(world: CommandWorld, { json = false, verbose = false, quiet = false }: OutputOptions) {
    this.world = world;
    this.json = json;
    this.verbose = verbose;
    this.quiet = quiet;
    this.#secrets = SECRETS.get(world) ?? new Set();
    SECRETS.set(world, this.#secrets);
    this.#redact = { count: -1, apply: (text) => text };
  }

  /** Redacts these texts in all later output, including results. */
  hide(secrets: Iterable<string>): void {
    for (const secret of secrets) this.#secrets.add(secret);
  }

  /** Returns a text with the secrets of {@link hide} redacted. */
  redact(text: string): string {
    const { size } = this.#secrets;
    if (this.#redact.count !== size) this.#redact = { count: size, apply: redactorOf(this.#secrets) };
    return this.#redact.apply(text);
  }

  /** Returns a copy of an error with the secrets of {@link hide} redacted. */
  clean(error: unknown): unknown {
    if (!(error instanceof Error)) return error;
    const message = this.redact(error.message);
    const cause = this.clean(error.cause);
    const cleaned = isOtaError(error) ? this.#cleanOtaError(error, message, cause) : new Error(message, { cause });
    if (error.stack !== undefined) cleaned.stack = this.redact(error.stack);
    return cleaned;
  }

  #cleanOtaError({ code, details, hint }: OtaError, message: string, cause: unknown): OtaError {
    return new OtaError(code, message, this.redactAll(details), { cause, hint: hint && this.redact(hint) });
  }

  /** Returns a copy of a result with the secrets of {@link hide} redacted. */
  redactAll<T>(value: T): T {
    if (value instanceof Error) return this.clean(value) as T & Error;
    if (typeof value === "string") return this.redact(value) as T & string;
    if (Array.isArray(value)) return value.map((item) => this.redactAll(item)) as T & unknown[];
    if (value === null || typeof value !== "object") return value;
    const members = Object.entries(value).map(([name, member]) => [name, this.redactAll(member)]);
    return Object.fromEntries(members) as T & object;
  }

  /** Returns `true` if standard error is a terminal that can redraw lines. */
  get isInteractive(): boolean {
    return this.world.stderr.isTTY === true && this.world.env.TERM !== "dumb";
  }

  /** Width of the terminal on standard output; infinite if that is none. */
  get columns(): number {
    const { isTTY, columns = Number.POSITIVE_INFINITY } = this.world.stdout;
    return isTTY === true ? columns : Number.POSITIVE_INFINITY;
  }

  /** Prints a result for people to standard output. Has no effect with `--json`. */
  print(text: string): void {
    if (!this.json) this.world.stdout.write(`${this.#hidden(text)}\n`);
  }

  /** Prints the result for programs. Has an effect only with `--json`; call it once. */
  printJson(document: unknown): void {
    if (!this.json) return;
    const redacted = this.#secrets.size === 0 ? document : this.redactAll(JSON.parse(JSON.stringify(document)));
    // Two writes: a document may have megabytes, which joining would copy.
    this.world.stdout.write(terminalJson(redacted, 2));
    this.world.stdout.write("\n");
  }

  /** Redacts a result. Without known secrets, as in `inspect --show-secrets`, the text stays as it is. */
  #hidden(text: string): string {
    return this.#secrets.size === 0 ? text : this.redact(text);
  }

  /** Prints progress to standard error, unless `--quiet` is set. */
  note(text: string): void {
    if (!this.quiet) this.world.stderr.write(`${this.redact(text)}\n`);
  }

  /** Prints a warning to standard error. */
  warn(text: string): void {
    this.world.stderr.write(`${this.errorStyle("yellow", "warning:")} ${this.redact(text)}\n`);
  }

  /** Prints details to standard error, only with `--verbose`. */
  debug(text: string): void {
    if (this.verbose) this.world.stderr.write(`${this.redact(text)}\n`);
  }

  /** Prints an event as one line of JSON to standard error, only with `--verbose`. */
  trace(event: unknown): void {
    this.debug(terminalJson(event));
  }

  /** Styles text for standard output, if that is a terminal. */
  style(style: Style, text: string): string {
    return paint(this.world.stdout, this.world.env, style, text);
  }

  /** Styles text for standard error, if that is a terminal. */
  errorStyle(style: Style, text: string): string {
    return paint(this.world.stderr, this.world.env, style, text);
  }

  /** Prints an error: a line with the message, a line with the hint and, with `--verbose`, the stack. */
  fail(error: OtaError): void {
    const { stderr } = this.world;
    const cleaned = (text: string): string => printable(this.redact(text));
    stderr.write(`${this.errorStyle("red", `error[${error.code}]:`)} ${cleaned(error.message)}\n`);
    if (error.hint !== undefined) stderr.write(`${this.errorStyle("cyan", "hint:")} ${cleaned(error.hint)}\n`);
    if (this.verbose && error.stack !== undefined) stderr.write(`${this.redact(stackOf(error))}\n`);
  }
}

/** Returns a text from outside on one line, without the control sequences of terminals. */
export function printable(text: string): string {
  // Nearly all text is plain. Returning it avoids a copy of each cell of a long table.
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  return util()
    .stripVTControlCharacters(text)
    .replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ");
}

function paint(stream: TextStream, env: CommandWorld["env"], style: Style, text: string): string {
  const isPlain = stream.isTTY !== true || (env.NO_COLOR ?? "") !== "" || env.TERM === "dumb";
  return isPlain ? text : util().styleText(style, text, { validateStream: false });
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}
