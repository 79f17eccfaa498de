import { isOtaError, type OtaError, type Problem } from "../errors.ts";
import type { JsonPlaces } from "../json/json-places.ts";
import type { JsonValue } from "../json/strict-json.ts";
import { redactorOf } from "../secret-text.ts";
import type { ChannelSecret } from "./secrets.ts";

/** Severity of a problem. An error makes the release line invalid, a warning does not. */
export type Severity = "error" | "warning";

/** A problem of a release line and its place in a file. */
export interface PlacedProblem extends Problem {
  readonly severity: Severity;
  /** The file to correct. */
  readonly file: string;
  /** JSON pointer (RFC 6901) into that file; empty for the file as a whole. */
  readonly pointer: string;
  /** Line from 1; 1 for the file as a whole. */
  readonly line: number;
  /** Column from 1, in UTF-16 units. */
  readonly column: number;
}

/** A manifest under validation. */
export interface CheckedDocument extends CheckedFile {
  readonly value: JsonValue;
  readonly places: JsonPlaces;
}

/** A file under validation. */
export interface CheckedFile {
  readonly file: string;
  /** Prefix of pointers into it in {@link Problem.path}; empty for the root manifest. */
  readonly prefix: string;
  /** Absent if the file could not be parsed as JSON. */
  readonly places?: JsonPlaces;
}

/** Collector of a release line's problems, without duplicates. */
export class ValidationReport {
  readonly #problems = new Map<string, PlacedProblem>();
  readonly #secrets: ChannelSecret[] = [];

  /** Adds a problem. Its `path` is a JSON pointer into the document. */
  add({ file, prefix, places }: CheckedFile, severity: Severity, problem: Problem): void {
    const { line, column } = places?.at(problem.path) ?? { line: 1, column: 1 };
    const pointer = problem.path;
    this.#addPlaced({ ...problem, path: prefix + pointer, severity, file, pointer, line, column });
  }

  /** Adds an error that a check threw. Removes the place from its message, because the report states it separately. */
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
    // The error states the exact place of the path: an artifact's or the common `base_path`.
    const path = isOtaError(error, "manifest/path-escapes") ? error.details.pointer : pointer;
    const message = withoutLead(withoutLead(error.message, `${file}: `), `${path}: `);
    this.add(document, "error", { code, path, message });
  }

  /** Redacts secrets in all messages. */
  hide(secrets: readonly ChannelSecret[]): void {
    this.#secrets.push(...secrets);
  }

  /** Returns all problems in the order in which they were added. */
  problems(): PlacedProblem[] {
    const redact = redactorOf(this.#secrets);
    return [...this.#problems.values()].map((problem) => ({ ...problem, message: redact(problem.message) }));
  }

  /** Adds a problem once, although problems of the root manifest's channels are found again for every version. */
  #addPlaced(problem: PlacedProblem): void {
    const key = [problem.code, problem.path, problem.message].join("\0");
    if (!this.#problems.has(key)) this.#problems.set(key, problem);
  }
}

function withoutLead(text: string, lead: string): string {
  return text.startsWith(lead) ? text.slice(lead.length) : text;
}
