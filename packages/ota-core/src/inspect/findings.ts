import type { OtaErrorCode } from "../errors.ts";
import type { InspectionBase, InspectProblem } from "./inspection.ts";

/** Everything that one inspection found, in the order in which it was found. */
export class Findings {
  readonly problems: InspectProblem[] = [];
  readonly notes: InspectProblem[] = [];

  /** Something that is wrong: the file isn't valid. */
  problem(code: OtaErrorCode, message: string, offset?: number, path?: string): void {
    this.problems.push(finding(code, message, offset, path));
  }

  /** Something worth knowing that is no fault of the file. */
  note(code: OtaErrorCode, message: string, offset?: number, path?: string): void {
    this.notes.push(finding(code, message, offset, path));
  }

  /** Takes over what a part of the file has, with its place in the whole. */
  adopt(part: Pick<InspectionBase, "problems" | "notes">, offset: number, path: string, name: string): void {
    const placed = (problem: InspectProblem): InspectProblem =>
      finding(problem.code, `${name}: ${problem.message}`, offset + (problem.offset ?? 0), path + (problem.path ?? ""));
    for (const problem of part.problems) this.problems.push(placed(problem));
    for (const note of part.notes) this.notes.push(placed(note));
  }

  /** The fields that every inspection has. */
  result(size: number): InspectionBase {
    return { valid: this.problems.length === 0, size, problems: this.problems, notes: this.notes };
  }
}

function finding(code: OtaErrorCode, message: string, offset?: number, path?: string): InspectProblem {
  return { code, message, ...(path === undefined ? {} : { path }), ...(offset === undefined ? {} : { offset }) };
}
