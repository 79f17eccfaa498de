/** Maximum length of a line with a list on it, in characters. */
const LINE_WIDTH = 80;

/**
 * Formats JSON for people: indentation of two spaces, short lists of plain values on one line, a newline at the end.
 * This is the format of Prettier and Biome, so that their checks in a user's repository pass.
 */
export function formatJson(value: object): string {
  // Strings contain no line breaks, so every match is a list.
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
