import type { Problem } from "../errors.ts";
import { quoted } from "../schemas/problems.ts";

/** An ID in `versions` and its index. */
export interface ListedId {
  readonly id: string;
  readonly index: number;
}

/** Describes a version whose ID equals an earlier one, exactly or except for case. */
export function duplicateVersionProblem({ id, index }: ListedId, earlier: ListedId): Problem {
  const message =
    id === earlier.id
      ? `versions[${index}] has the id of versions[${earlier.index}]; each id must be unique`
      : `versions[${index}] has the id ${quoted(id)}, which differs only in case from ${quoted(earlier.id)}: on Windows and macOS both would be the same folder`;
  return { code: "manifest/invalid", path: `/versions/${index}/id`, message };
}
