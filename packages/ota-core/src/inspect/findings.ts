import type { OtaErrorCode } from "../errors.ts";
import type { InspectionBase, InspectProblem } from "./inspection.ts";

/** Collector of an inspection's problems and notes, in the order of their discovery. */
export class Findings {
  readonly problems: InspectProblem[] = [];
  readonly notes: InspectProblem[] = [];

  /** Adds a problem, which makes the file invalid. */
  problem(code: OtaErrorCode, message: string, offset?: number, path?: string): void {
    this.problems.push(finding(code, message, offset, path));
  }

  /** Adds a note, which does not make the file invalid. */
  note(code: OtaErrorCode, message: string, offset?: number, path?: string): void {
    this.notes.push(finding(code, message, offset, path));
  }

  /** Adds the problems and notes of a part of the file, with their place in the whole file. */
  adopt(part: Pick<InspectionBase, "problems" | "notes">, offset: number, path: string, name: string): void {
    const placed = (problem: InspectProblem): InspectProblem =>
      finding(problem.code, `${name}: ${problem.message}`, offset + (problem.offset ?? 0), path + (problem.path ?? ""));
    for (const problem of part.problems) this.problems.push(placed(problem));
    for (const note of part.notes) this.notes.push(placed(note));
  }

  /** Returns the common fields of every inspection. */
  result(size: number): InspectionBase {
    return { valid: this.problems.length === 0, size, problems: this.problems, notes: this.notes };
  }
}

function finding(code: OtaErrorCode, message: string, offset?: number, path?: string): InspectProblem {
  return { code, message, ...(path === undefined ? {} : { path }), ...(offset === undefined ? {} : { offset }) };
}
