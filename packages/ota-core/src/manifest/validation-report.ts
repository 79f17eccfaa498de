import { isOtaError, type OtaError, type Problem } from "../errors.ts";
import type { JsonPlaces } from "../json/json-places.ts";
import type { JsonValue } from "../json/strict-json.ts";
import { redactorOf } from "../secret-text.ts";
import type { ChannelSecret } from "./secrets.ts";

/** Whether a problem makes the release line invalid, or should only be known. */
export type Severity = "error" | "warning";

/** A problem of a release line, and where it stands in which file. */
export interface PlacedProblem extends Problem {
  readonly severity: Severity;
  /** The file that is to be changed. */
  readonly file: string;
  /** JSON pointer (RFC 6901) into that file; empty for the file as a whole. */
  readonly pointer: string;
  /** From 1; 1 where the problem is the file as a whole. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
}

/** A manifest that is being checked. */
export interface CheckedDocument extends CheckedFile {
  readonly value: JsonValue;
  readonly places: JsonPlaces;
}

/** A file whose problems are reported. */
export interface CheckedFile {
  readonly file: string;
  /** What stands before pointers into it in {@link Problem.path}: nothing for the root manifest. */
  readonly prefix: string;
  /** Absent where the file could not be read as JSON. */
  readonly places?: JsonPlaces;
}

/** Gathers what is wrong with a release line, each fault once. */
export class ValidationReport {
  readonly #problems = new Map<string, PlacedProblem>();
  readonly #secrets: ChannelSecret[] = [];

  /** Adds a problem. Its `path` is a JSON pointer into the document. */
  add({ file, prefix, places }: CheckedFile, severity: Severity, problem: Problem): void {
    const { line, column } = places?.at(problem.path) ?? { line: 1, column: 1 };
    const pointer = problem.path;
    this.#addPlaced({ ...problem, path: prefix + pointer, severity, file, pointer, line, column });
  }

  /** Adds what a check threw. A message begins with the place, which the report tells anyway: that part is dropped. */
  addError(document: CheckedFile, pointer: string, error: OtaError): void {
    if (isOtaError(error, "manifest/invalid")) {
      for (const problem of error.details.problems) this.add(document, "error", { ...problem, path: pointer });
      return;
    }
    const { code } = error;
    const { file, prefix } = document;
    if (isOtaError(error, "manifest/syntax")) {
      const { line, column } = error.details;
      const message = withoutLead(error.message, `${file}:${line}:${column}: `);
      this.#addPlaced({ code, path: prefix + pointer, message, severity: "error", file, pointer, line, column });
      return;
    }
    // A path is told where it stands, be it an artifact's or the `base_path` of all.
    const path = isOtaError(error, "manifest/path-escapes") ? error.details.pointer : pointer;
    const message = withoutLead(withoutLead(error.message, `${file}: `), `${path}: `);
    this.add(document, "error", { code, path, message });
  }

  /** No message will repeat these. */
  hide(secrets: readonly ChannelSecret[]): void {
    this.#secrets.push(...secrets);
  }

  /** Every problem, in the order in which they were added. */
  problems(): PlacedProblem[] {
    const redact = redactorOf(this.#secrets);
    return [...this.#problems.values()].map((problem) => ({ ...problem, message: redact(problem.message) }));
  }

  /** What the root manifest's channels have is found again under every version. */
  #addPlaced(problem: PlacedProblem): void {
    const key = [problem.code, problem.path, problem.message].join("\0");
    if (!this.#problems.has(key)) this.#problems.set(key, problem);
  }
}

function withoutLead(text: string, lead: string): string {
  return text.startsWith(lead) ? text.slice(lead.length) : text;
}
