/** Cuts a line that is wider than `columns`, and ends it with an ellipsis. */
export function fitLine(line: string, columns: number): string {
  if (line.length <= columns) return line;
  const characters = [...line];
  return characters.length <= columns ? line : `${characters.slice(0, columns - 1).join("")}…`;
}
