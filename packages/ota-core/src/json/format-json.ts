/** A list goes on one line when that keeps the line within this many characters. */
const LINE_WIDTH = 80;

/**
 * Writes JSON for people to read: two-space indent, short lists of plain values on one line, a newline at the end.
 * This is what Prettier and Biome make of it, so that their checks in a user's repository pass.
 */
export function formatJson(value: object): string {
  // Line breaks stand only between values, never in a string, so what matches is a list.
  const list = /^( *(?:"(?:[^"\\]|\\.)*": )?)\[\n((?: +(?:"[^"\\\n]*"|[-+.0-9eE]+|true|false|null),?\n)+) *\](,?)$/gm;
  const text = JSON.stringify(value, null, 2).replaceAll(
    list,
    (expanded, lead: string, items: string, comma: string) => {
      const line = `${lead}[${items.trim().replaceAll(/,\n +/g, ", ")}]${comma}`;
      return line.length <= LINE_WIDTH ? line : expanded;
    },
  );
  return `${text}\n`;
}
